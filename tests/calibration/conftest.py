import pytest

ROWS: list[tuple[str, ...]] = []
HEAD = ("group", "case", "share in %", "goal", "pairs")


@pytest.fixture(scope="session")
def studies(pytestconfig):
    return pytestconfig.getoption("studies")


@pytest.fixture(scope="session")
def add_row():
    """Return a function that adds a row to the table printed at the end."""
    return lambda *cells: ROWS.append(tuple(map(str, cells)))


def pytest_terminal_summary(terminalreporter):
    if ROWS:
        for row in (HEAD, ("---",) * len(HEAD), *ROWS):
            terminalreporter.write_line(f"| {' | '.join(row)} |")
