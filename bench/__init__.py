"""Measurement of networks, independent of studies, claims and reports."""

# Increase it, with a line in CHANGELOG.md, whenever the numbers of a job change: it is part of every job's identity.
REVISION = 5
