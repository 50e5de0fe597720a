"""Comparison of a stored report's verdicts with those of the records now."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.spec.errors import InputError
from reports.statistics.claim_verdicts import Judgement

Verdicts = Mapping[tuple[str, str], str]  # verdict by study and claim


def read_verdicts(file: Path) -> Verdicts:
    """Read the verdicts of a report.json, the controls' included; raise InputError if it cannot be read."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return _collect(entry for part in ("claims", "controls") for entry in report[part])
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): name a stored report.json") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{file} is no report.json: name one that 'ablate report' wrote") from error


def collect_verdicts(judgements: Iterable[Judgement]) -> Verdicts:
    """Collect the verdicts of judgements as `read_verdicts` does those of a file."""
    return _collect({"study": j.study, "id": j.claim.id, "verdict": j.verdict} for j in judgements)


def compare_verdicts(stored: Verdicts, current: Verdicts) -> list[str]:
    """Describe each claim whose verdict differs or that only one of the two has, in a line."""
    return [
        f"{key[1]} ({key[0]}): stored {_describe(stored.get(key))}, now {_describe(current.get(key))}"
        for key in dict.fromkeys((*stored, *current))
        if stored.get(key) != current.get(key)
    ]


def _collect(entries: Iterable[Mapping[str, Any]]) -> Verdicts:
    verdicts: dict[tuple[str, str], str] = {}
    for entry in entries:
        study, claim, verdict = entry["study"], entry["id"], entry["verdict"]
        if not all(isinstance(text, str) for text in (study, claim, verdict)):
            raise TypeError
        earlier = verdicts.get((study, claim))  # two claims of a study may have the same name
        verdicts[study, claim] = f"{earlier}, {verdict}" if earlier else verdict
    return verdicts


def _describe(verdict: str | None) -> str:
    return "no such claim" if verdict is None else f"'{verdict}'"
