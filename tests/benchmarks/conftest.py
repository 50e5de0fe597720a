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
    config.addinivalue_line("filterwarnings", "ignore")  # warnings of libraries do not concern a benchmark


@pytest.fixture(scope="session")
def figure(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Return a function that adds a figure; its arguments are the fields of `figures.Figure`."""

    def add(*fields: object, **named_fields: object) -> None:
        pytestconfig.stash[ADDED].append(figures.Figure(*fields, **named_fields))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if added_figures := config.stash[ADDED]:
        short, file = config.getoption("short"), Path(config.getoption("json"))
        if short:
            file = file.with_stem(f"{file.stem}-short")
        cores = worker_count("cpu")
        environment = describe_environment("cpu") | {"cores": cores, "date": f"{date.today()}", "short": short}
        figures.write_json(added_figures, file, environment)
        terminalreporter.section("figures")
        terminalreporter.write_line(figures.format_table(added_figures))
        terminalreporter.write_line(f"\n{file}")
        if short:
            terminalreporter.write_line("The short form only shows that the benchmarks work: its figures mean nothing.")
