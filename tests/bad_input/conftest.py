"""What bad input is given to."""

import os

import pytest
from inputs import noise

import ablate as command


@pytest.fixture
def root(tmp_path):
    """A small data set that can be used."""
    for split, count in (("train", 4), ("test", 2)):
        for place, name in enumerate(("cat", "dog")):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            for number in range(count):
                noise(100 * place + 10 * number + len(split)).save(tmp_path / "images" / split / name / f"{number}.png")
    return tmp_path / "images"


@pytest.fixture
def obeyed(tmp_path):
    """Modes of files and folders, which they are not where the tests run as root."""
    (tmp_path / "secret").touch(0)
    if os.access(tmp_path / "secret", os.R_OK, effective_ids=True):
        pytest.skip("nothing is unreadable to root")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def told(capsys):
    """Runs the command here; gives its exit status and what it says on stderr, which is one line."""

    def run(*arguments):
        status = command.main([*map(str, arguments)])
        said = capsys.readouterr().err
        assert status == 2 and said.startswith("ablate: ") and said.count("\n") == 1, said
        return said

    return run
