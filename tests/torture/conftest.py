"""`make torture`: longer tests that disturb runs."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import until_none_is_left
from runs import command_line, run


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore")  # in libraries


@pytest.fixture
def marked(environment) -> Iterator[dict[str, str]]:
    """An environment that marks every process of a test; none of them may be left at the end."""
    mark = str(uuid.uuid4())
    yield environment | {"ABLATE_TORTURE": mark, "ABLATE_CHECKPOINT_SECONDS": "0.5"}
    until_none_is_left(mark)


@pytest.fixture(scope="session")
def alone(command, environment, short, tmp_path_factory) -> Path:
    """The results of an undisturbed run: change nothing in them."""
    here = tmp_path_factory.mktemp("alone")
    done = run(command_line(command, here, short), environment, here)
    assert done.returncode == 0, done.stdout + done.stderr
    return here / "out"
