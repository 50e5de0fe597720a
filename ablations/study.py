"""The former place of what a study file imports; kept for files that say `from ablations.study import ...`."""

from ablations import *  # noqa: F403
