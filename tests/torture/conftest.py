"""`make torture`: what a run must survive, for longer than the tests have time for."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import until_none_is_left
from runs import asked, run


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore")  # of libraries


@pytest.fixture
def marked(environment) -> Iterator[dict[str, str]]:
    """An environment by which every process of a test is known; none may be left."""
    mark = str(uuid.uuid4())
    yield environment | {"ABLATE_TORTURE": mark, "ABLATE_CHECKPOINT_SECONDS": "0.5"}
    until_none_is_left(mark)


@pytest.fixture(scope="session")
def alone(command, environment, short, tmp_path_factory) -> Path:
    """The results of a run that nothing disturbed. Take care to change nothing in it."""
    here = tmp_path_factory.mktemp("alone")
    done = run(asked(command, here, short), environment, here)
    assert done.returncode == 0, done.stdout + done.stderr
    return here / "out"
