"""A stored report beside the records as they are now: the verdicts that come out otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.spec.errors import InputError
from bench.system.text import printable
from reports.statistics.judge import Judgement

Verdicts = Mapping[tuple[str, str], str]  # by study and claim


def stored(file: Path) -> Verdicts:
    """The verdicts in a report.json, the controls' included."""
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        return _verdicts(entry for part in ("claims", "controls") for entry in report[part])
    except OSError as error:
        raise InputError(
            printable(f"{file} cannot be read ({error.strerror}): name a report.json that was kept")
        ) from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(printable(f"{file} is no report.json: name one that 'ablate report' wrote")) from error


def present(judgements: Iterable[Judgement]) -> Verdicts:
    return _verdicts(judgement.as_json() for judgement in judgements)


def changed(before: Verdicts, now: Verdicts) -> list[str]:
    """A line for each claim whose verdict differs, or that only one of the two has."""
    return [
        printable(f"{claim} ({study}): stored {_told(before, study, claim)}, now {_told(now, study, claim)}")
        for study, claim in dict.fromkeys((*before, *now))
        if before.get((study, claim)) != now.get((study, claim))
    ]


def _verdicts(entries: Iterable[Mapping[str, Any]]) -> Verdicts:
    found: dict[tuple[str, str], str] = {}
    for entry in entries:
        study, claim, verdict = entry["study"], entry["id"], entry["verdict"]
        if not all(isinstance(text, str) for text in (study, claim, verdict)):
            raise TypeError
        twice = found.get((study, claim))  # nothing keeps two claims of a study from one name
        found[study, claim] = f"{twice}, {verdict}" if twice else verdict
    return found


def _told(verdicts: Verdicts, study: str, claim: str) -> str:
    verdict = verdicts.get((study, claim))
    return "no such claim" if verdict is None else f"'{verdict}'"
