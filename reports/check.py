"""Comparison of a stored report's verdicts with those of the records now."""

import json
from collections.abc import Mapping
from pathlib import Path

from bench.spec.errors import InputError
from reports.report_schema import VERSION, ReportJson

Verdicts = Mapping[tuple[str, str], str]  # verdict by study and claim


def read_verdicts(file: Path) -> Verdicts:
    """Read the verdicts of a report.json, those of controls and robustness checks included.

    Raises:
        InputError: The file cannot be read, is no report.json, or is one of a later version.
    """
    try:
        report = json.loads(file.read_text(encoding="utf-8"))
        version = report.get("version", 1) if isinstance(report, dict) else 1  # the first files name none
        is_later = isinstance(version, int) and version > VERSION
        verdicts = {} if is_later else collect_verdicts(report)
    except OSError as error:
        raise InputError(f"{file} cannot be read ({error.strerror}): name a stored report.json") from error
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{file} is no report.json: name one that 'ablate report' wrote") from error
    if is_later:
        advice = f"this installation reads version {VERSION}: update it"
        raise InputError(f"{file} has version {version} of report.json, and {advice}")
    return verdicts


def compare_verdicts(stored: Verdicts, current: Verdicts) -> list[str]:
    """Describe each claim whose verdict differs or that only one of the two has, in a line."""
    return [
        f"{key[1]} ({key[0]}): stored {_describe(stored.get(key))}, now {_describe(current.get(key))}"
        for key in dict.fromkeys((*stored, *current))
        if stored.get(key) != current.get(key)
    ]


def collect_verdicts(report: ReportJson) -> Verdicts:
    """Collect the verdicts of a report.json's content, those of controls and robustness checks included."""
    claims = [*report["claims"], *report["controls"]]
    entries: list[tuple[str, str, str]] = [(entry["study"], entry["id"], entry["verdict"]) for entry in claims]
    for entry in report["claims"]:
        for check in entry["checks"]:
            words = [check["verdict"], *["different from the stated setting"] * check["differs"]]
            entries.append((entry["study"], ", ".join((entry["id"], check["name"])), ", ".join(words)))
    verdicts: dict[tuple[str, str], str] = {}
    for study, claim, verdict in entries:
        if not all(isinstance(text, str) for text in (study, claim, verdict)):
            raise TypeError
        earlier = verdicts.get((study, claim))  # two claims of a study may have the same name
        verdicts[study, claim] = f"{earlier}, {verdict}" if earlier else verdict
    return verdicts


def _describe(verdict: str | None) -> str:
    return "no such claim" if verdict is None else f"'{verdict}'"
