"""An error in the code of a study file, in one line with its place."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.spec.errors import InputError

PROJECT = Path(__file__).parents[2]
OWN_FOLDERS = [f"{PROJECT / folder}/" for folder in ("bench", "commands", "ablations/framework")]
LIBRARIES = (*{sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}, *OWN_FOLDERS)


@contextmanager
def explain_user_error(problem: str) -> Iterator[None]:
    """Turn an error of any class into an InputError of one line, which begins with the problem; leave an InputError."""
    try:
        yield
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{problem}: {describe_user_error(error)}") from error


def describe_user_error(error: BaseException) -> str:
    """Return the class and message of an error, with file and line of the innermost frame outside all libraries."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    frames = traceback.extract_tb(error.__traceback__)
    own_frames = [frame for frame in frames if not _is_library(frame.filename)]
    return f"{text} ({Path(own_frames[-1].filename).name}, line {own_frames[-1].lineno})" if own_frames else text


def _is_library(file: str) -> bool:
    return "site-packages" in file or file.startswith(("<frozen", *LIBRARIES))
