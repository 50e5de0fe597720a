"""Verdicts, methods and limits explained: the same in every report. The texts are in `methods.toml`."""

import tomllib
from importlib import resources


def _join_lines(text: str) -> str:
    return " ".join(text.split())


_TEXTS = tomllib.loads((resources.files("reports.text") / "methods.toml").read_text(encoding="utf-8"))
READING = _join_lines(_TEXTS["reading"])
VERDICTS = tuple((verdict, _join_lines(text)) for verdict, text in _TEXTS["verdicts"].items())
METHODS = tuple((method, _join_lines(text)) for method, text in _TEXTS["methods"].items())
LIMITS = tuple(map(_join_lines, _TEXTS["limits"]))
