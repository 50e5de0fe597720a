"""What an arm changes, read off the records: the networks that were built and the recipes that were run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ablations import AGAIN, Study
from ablations.framework.study import SHUFFLED
from bench.spec.jobs import Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Cell, Column, Note, Table
from reports.tables.observations import TOTALS, Record
from reports.text.formatting import TIMES, format_count, format_fixed, format_number

ARROW = "\N{RIGHTWARDS ARROW}"
QUOTED = "\N{LEFT SINGLE QUOTATION MARK}{}\N{RIGHT SINGLE QUOTATION MARK}"
FIELDS = ("shape", "gain", "activation", "normalisation", "pooling", "dropout")
OWN = re.compile(r", inplace=\w+|\(inplace=\w+\)|\(\)$|(?<=BatchNorm[12]d)\(.*\)")  # of torch, not of the factor
NOTABLE = 0.01  # a relative change of parameters below this comes from rounding a width and is no aspect


def trained(evidence: Evidence) -> list[str]:
    """The arms with trials, controls last."""
    return list(dict.fromkeys(place.arm for place in evidence.placed if isinstance(place.job, Trial)))


def titled(arm: str) -> str:
    return f"{arm} (control)" if arm in (AGAIN, SHUFFLED) else arm


def switches(study: Study, evidence: Evidence) -> Table:
    """What each arm changes, as the built networks and the recipes show it."""
    baseline = evidence.first_network_record(study.baseline, Trial)
    rows = []
    for arm in trained(evidence):
        record = evidence.first_network_record(arm, Trial)
        if arm == study.baseline:
            told = "the baseline"
        elif record is None or baseline is None:
            told = "not run"
        else:
            found = changes(record, baseline)
            told = "\n".join(f"{aspect}: {change}" for aspect, change in found.items()) or "nothing but the seeds"
        rows.append((Cell(titled(arm)), Cell(told)))
    columns = (Column("Arm", numeric=False), Column("What differs from the baseline", numeric=False))
    return Table(f"{study.name}: read off the networks as built and the recipes as run", columns, tuple(rows))


def warning(study: Study, evidence: Evidence) -> list[Note]:
    """Arms that change two things at once cannot tell which of them did it."""
    baseline = evidence.first_network_record(study.baseline, Trial)
    told = []
    for arm in study.arms:
        record = evidence.first_network_record(arm, Trial)
        if record and baseline and (aspects := confounded(record, baseline)):
            told.append(f"{QUOTED.format(arm)} changes {', '.join(aspects[:-1])} and {aspects[-1]} together.")
    text = f"Against the baseline, {QUOTED.format(study.baseline)}: {' '.join(told)}"
    return [Note("More than one thing changed", text)] if told else []


def changes(arm: Record, baseline: Record) -> dict[str, str]:
    """Each aspect in which the arm differs from the baseline, with what it was and what it became."""
    found = {**_layers(arm, baseline), **_recipe(arm, baseline), **_device(arm, baseline)}
    for total in TOTALS:
        before, after = baseline["network"][total], arm["network"][total]
        if before != after:
            label = "MACs" if total == "macs" else total
            share = f" ({format_fixed(100 * (after / before - 1), 1, signed=True)} %)" if before else ""
            found[label] = f"{format_count(before)} {ARROW} {format_count(after)}{share}"
    return found


def confounded(arm: Record, baseline: Record) -> list[str]:
    """The aspects that changed at once, where there is more than one: the contrast cannot tell them apart.

    A gain follows its activation, MACs and sizes follow the layers, and a normalisation brings its own parameters: they
    are no aspects of their own.
    """
    found = changes(arm, baseline)
    before, after = (sum(row["parameters"] for row in _weighted(record).values()) for record in (baseline, arm))
    minor = {"layer sizes", "MACs"} | ({"gain"} if "activation" in found else set())
    if before and abs(after / before - 1) < NOTABLE:
        minor.add("parameters")
    aspects = [aspect for aspect in found if aspect not in minor]
    return aspects if len(aspects) > 1 else []


def _layers(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = _weighted(arm), _weighted(baseline)
    gone = [_described(row) for name, row in theirs.items() if name not in ours]
    added = [_described(row) for name, row in ours.items() if name not in theirs]
    found = {}
    if gone or added:
        named = [f"without {', '.join(gone)}"] * bool(gone) + [f"with {', '.join(added)}"] * bool(added)
        if len(theirs) != len(ours):
            found["depth"] = f"{_became(len(theirs), len(ours))} layers with weights: {'; '.join(named)}"
        else:
            found["layers"] = "; ".join(named)
    for field in FIELDS:
        pairs = [(name, theirs[name].get(field), ours[name].get(field)) for name in ours if name in theirs]
        if moved := [pair for pair in pairs if pair[1] != pair[2]]:
            aspect = "layer sizes" if field == "shape" else field
            found[aspect] = _told(moved, sum(was is not None for _, was, _ in pairs))
    return found


def _weighted(record: Record) -> dict[str, dict[str, Any]]:
    """The convolutions and fully connected layers by name; a batch normalisation is told as their normalisation."""
    return {row["name"]: row for row in record["network"]["layers"] if row["kind"] != "norm"}


def _described(row: dict[str, Any]) -> str:
    """A layer that only one of the networks has, with all that stands between it and the next."""
    told = [_level(row["shape"])] + [f"gain {_level(row['gain'])}"] * bool(row.get("gain"))
    told.append(_level(row["activation"]) if row.get("activation") else "no activation")
    told += [_level(row[field]) for field in ("normalisation", "dropout") if row.get(field)]
    told += [row["pooling"].partition("(")[0]] if row.get("pooling") else []
    return f"{row['name']} ({', '.join(told)})"


def _told(moved: Iterable[tuple[str, Any, Any]], places: int) -> str:
    """Changes that are alike are told once, with the layers that they befell. places: layers that have such a thing."""
    alike: dict[str, list[str]] = {}
    for name, was, now in moved:
        alike.setdefault(_became(was, now), []).append(name)
    return "; ".join(
        f"{change} ({'throughout' if len(names) == places > 1 else ', '.join(names)})"
        for change, names in alike.items()
    )


def _became(was: Any, now: Any) -> str:
    return f"{_level(was)} {ARROW} {_level(now)}"


def _level(value: Any) -> str:
    if isinstance(value, list):
        return TIMES.join(map(str, value))
    if isinstance(value, float):
        return format_number(value)
    return "none" if value is None else OWN.sub("", str(value))


def _device(arm: Record, baseline: Record) -> dict[str, str]:
    now, was = (f"{record['job']['device']}, {record['job']['precision']}" for record in (arm, baseline))
    return {} if was == now else {"device": _became(was, now)}


def _recipe(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = arm["job"]["recipe"], baseline["job"]["recipe"]
    return {
        name.replace("_", " "): _became(theirs[name], ours[name]) for name in theirs if theirs[name] != ours.get(name)
    }
