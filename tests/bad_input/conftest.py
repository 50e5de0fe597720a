"""Fixtures for bad input: a good data set, an output folder, the command."""

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
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def error_line(capsys):
    """Return a function that runs the command in this process and returns its only line on stderr."""

    def run(*arguments):
        status = command.main([*map(str, arguments)])
        line = capsys.readouterr().err
        assert status == 2 and line.startswith("ablate: ") and line.count("\n") == 1, line
        return line

    return run
