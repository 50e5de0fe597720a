"""Rendering of reports. Importing matplotlib reads the user's settings, which may be in another encoding."""

from bench.spec.errors import InputError

try:
    import matplotlib.style  # noqa: F401
except UnicodeDecodeError as error:
    advice = "save the user's matplotlibrc, or style files, as UTF-8"
    raise InputError(f"matplotlib cannot read its settings ({error}): {advice}") from error
