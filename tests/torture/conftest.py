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
    """An environment that marks every process of a test; at the end none of them may still run."""
    mark = str(uuid.uuid4())
    yield environment | {"ABLATE_TORTURE": mark, "ABLATE_CHECKPOINT_SECONDS": "0.5"}
    until_none_is_left(mark)


@pytest.fixture(scope="session")
def undisturbed(command, environment, short, tmp_path_factory) -> Path:
    """The results of an undisturbed run, which tests must not change."""
    folder = tmp_path_factory.mktemp("alone")
    process = run(command_line(command, folder, short), environment, folder)
    assert process.returncode == 0, process.stdout + process.stderr
    return folder / "out"
