"""Alias of the package, for older study files that contain `from ablations.study import ...`."""

from ablations import *  # noqa: F403
