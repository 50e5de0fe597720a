"""Measures networks. Knows no study, no claim and no report."""

# Increase it, with a line in CHANGELOG.md, whenever the numbers of a job change: it is part of every job's identity.
REVISION = 3
