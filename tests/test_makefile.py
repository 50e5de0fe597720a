"""The Makefile passes the values of its variables to the command as they are."""

import shutil
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent


@pytest.fixture
def passed(tmp_path):
    """Return a function that makes a target with a stand-in for the command, and returns the command's arguments."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "ablate"
    command.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
    command.chmod(0o755)
    (tmp_path / "ready").touch()

    def make(*words):
        arguments = ["make", "-s", "-C", FOLDER, "--no-print-directory", f"VENV={tmp_path}", *words]
        process = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=60)
        return process.stdout.splitlines()

    return make


@pytest.mark.parametrize(
    "value", ["a b", "a$b", "$(shell touch {}/x)", "`touch {}/x`", '"; touch {}/x; "', "it's", "-x", "~/x", "a\\"]
)
def test_no_value_is_interpreted(passed, tmp_path, value):
    value = value.format(tmp_path)
    assert passed("plan", f"OUT={value}", f"DATA={value}") == [
        "plan",
        f"--data={value}",
        f"--out={value}",
    ]
    assert passed("report", f"STUDY={value}") == ["report", "--out=out", *value.split()]
    assert not (tmp_path / "x").exists()


def test_every_variable_reaches_its_option(passed):
    variables = ["PROFILE=quick", "DATA=d", "DEVICE=cpu", "SEEDS=3", "OUT=o", "LIMIT=30m", "STUDY=relu  a.py;id"]
    options = ["--profile=quick", "--data=d", "--device=cpu", "--seeds=3", "--out=o"]
    assert passed("ablate", *variables) == ["run", *options, "--limit=30m", "relu", "a.py;id"]
    assert passed("plan", "PROFILE=", "DATA=") == ["plan", "--out=out"]
    assert passed("ui", "PORT=1") == ["ui", "--out=out", "--port=1"]
