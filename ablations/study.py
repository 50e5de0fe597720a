"""The former home of these names, for study files that still say `from ablations.study import ...`."""

from ablations import *  # noqa: F403
