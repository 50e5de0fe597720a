"""Verdicts, methods and limits explained, by the networks under test. The texts are in `methods.toml`."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources

from reports.tables.networks import ALEXNET_NAME


def _join_lines(text: str) -> str:
    return " ".join(text.split())


_TEXTS = tomllib.loads((resources.files("reports.text") / "methods.toml").read_text(encoding="utf-8"))
READING = _join_lines(_TEXTS["reading"])
VERDICTS = tuple((verdict, _join_lines(text)) for verdict, text in _TEXTS["verdicts"].items())


def list_methods(networks: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """List the methods, each with its explanation, for a report on the networks of these names."""
    texts: Mapping[str, str] = _TEXTS["alexnet_methods"] if ALEXNET_NAME in networks else {}
    return tuple((method, _join_lines(text)) for method, text in {**texts, **_TEXTS["methods"]}.items())


def list_limits(networks: Sequence[str]) -> tuple[str, ...]:
    """List the limits of a report on the networks of these names."""
    limits = _TEXTS["limits"]
    texts = [*limits["alexnet"]] if ALEXNET_NAME in networks else []
    texts += limits["declared"] if set(networks) - {ALEXNET_NAME} else []
    return tuple(map(_join_lines, (*texts, *limits["all"])))
