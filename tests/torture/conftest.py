"""`make torture`: what a run must survive, for longer than the tests have time for."""

import uuid
from collections.abc import Iterator

import pytest
from processes import until_none_is_left


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore")  # of libraries


@pytest.fixture
def marked(environment, monkeypatch) -> Iterator[dict[str, str]]:
    """An environment by which every process of a test is known; none may be left."""
    mark = str(uuid.uuid4())
    yield environment | {"ABLATE_TORTURE": mark, "ABLATE_CHECKPOINT_SECONDS": "0.5"}
    until_none_is_left(mark)
