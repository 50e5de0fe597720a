import pytest

ROWS: list[tuple[str, ...]] = []


@pytest.fixture(scope="session")
def studies(pytestconfig):
    return pytestconfig.getoption("studies")


@pytest.fixture(scope="session")
def add_row():
    """Return a function that adds a row to the table printed at the end."""
    return lambda *cells: ROWS.append(tuple(map(str, cells)))


def pytest_terminal_summary(terminalreporter):
    head = (
        "differences",
        "design",
        "claims",
        "true difference",
        "margin",
        "verdicts",
        "share",
        "goal",
        "pairs per claim",
    )
    if ROWS:
        for row in (head, ("---",) * len(head), *ROWS):
            terminalreporter.write_line(f"| {' | '.join(row)} |")
