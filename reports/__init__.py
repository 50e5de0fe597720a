"""Judges and shows. Reads records; builds no network and imports no torch."""
