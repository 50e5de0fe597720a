"""An error in the code of a study file, in one line with its place."""

import sysconfig
import traceback
from pathlib import Path

PACKAGE = f"{Path(__file__).parents[1]}/"
LIBRARIES = (*{sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}, PACKAGE)


def describe_user_error(error: Exception) -> str:
    """Return the class and message of an error, with file and line of the innermost frame outside all libraries."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"
    frames = traceback.extract_tb(error.__traceback__)
    own_frames = [frame for frame in frames if not _is_library(frame.filename)]
    return f"{text} ({Path(own_frames[-1].filename).name}, line {own_frames[-1].lineno})" if own_frames else text


def _is_library(file: str) -> bool:
    return "site-packages" in file or file.startswith(("<frozen", *LIBRARIES))
