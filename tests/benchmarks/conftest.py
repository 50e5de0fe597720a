"""`make bench`: every benchmark adds figures; at the end they are one table and one file."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import figures
import pytest

from bench.runner.environment import describe_environment
from bench.system.devices import worker_count

ADDED = pytest.StashKey[list[figures.Figure]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--json", default="out/bench.json", help="where the figures go")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ADDED] = []
    config.addinivalue_line("filterwarnings", "ignore")  # of libraries: here it is time that counts


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Adds a figure: its name, its samples, and `goal`, `most`, `unit` as in `figures.Figure`."""

    def add(*fields: object, **named: object) -> None:
        pytestconfig.stash[ADDED].append(figures.Figure(*fields, **named))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if found := config.stash[ADDED]:
        short, file = config.getoption("short"), Path(config.getoption("json"))
        if short:
            file = file.with_stem(f"{file.stem}-short")
        cores = worker_count("cpu")
        figures.write(
            found, file, describe_environment("cpu") | {"cores": cores, "date": f"{date.today()}", "short": short}
        )
        terminalreporter.section("figures")
        terminalreporter.write_line(figures.table(found))
        terminalreporter.write_line(f"\n{file}")
        if short:
            terminalreporter.write_line("The short form only shows that the benchmarks work: none of this is a figure.")
