"""What an arm changes, read off the records: the networks that were built and the recipes that were run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reports.numbers import compact, fixed, plain

ARROW = "\N{RIGHTWARDS ARROW}"
Record = dict[str, Any]
FIELDS = ("kind", "shape", "gain", "activation", "normalisation", "pooling", "dropout")
ASPECTS = {"kind": "kind of layer", "shape": "layer sizes"}
NOTABLE = 0.01  # a relative change of parameters below this comes along with a normalisation layer and is no aspect


def changes(arm: Record, baseline: Record) -> dict[str, str]:
    """Each aspect in which the arm differs from the baseline, with what it was and what it became."""
    found = {**_layers(arm, baseline), **_recipe(arm, baseline)}
    for total in ("parameters", "macs"):
        before, after = baseline["network"][total], arm["network"][total]
        if before != after:
            label = "MACs" if total == "macs" else total
            share = f" ({fixed(100 * (after / before - 1), 1, signed=True)} %)" if before else ""
            found[label] = f"{compact(before)} {ARROW} {compact(after)}{share}"
    return found


def confounded(arm: Record, baseline: Record) -> list[str]:
    """The aspects that changed at once, where there is more than one: the contrast cannot tell them apart.

    A gain follows its activation, MACs and sizes follow the layers: they are no aspects of their own.
    """
    found = changes(arm, baseline)
    before, after = baseline["network"]["parameters"], arm["network"]["parameters"]
    minor = {"layer sizes", "kind of layer", "MACs"} | ({"gain"} if "activation" in found else set())
    if before and abs(after / before - 1) < NOTABLE:
        minor.add("parameters")
    aspects = [aspect for aspect in found if aspect not in minor]
    return aspects if len(aspects) > 1 else []


def _layers(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = ({row["name"]: row for row in record["network"]["layers"]} for record in (arm, baseline))
    gone, added = [name for name in theirs if name not in ours], [name for name in ours if name not in theirs]
    found = {}
    if gone or added:
        depths = [sum(row["kind"] != "norm" for row in rows.values()) for rows in (theirs, ours)]
        named = [f"without {', '.join(gone)}"] * bool(gone) + [f"with {', '.join(added)}"] * bool(added)
        if depths[0] != depths[1]:
            found["depth"] = f"{_became(*depths)} layers with weights: {'; '.join(named)}"
        else:
            found["layers"] = "; ".join(named)
    for field in FIELDS:
        pairs = [(name, theirs[name].get(field), ours[name].get(field)) for name in ours if name in theirs]
        if moved := [pair for pair in pairs if pair[1] != pair[2]]:
            found[ASPECTS.get(field, field)] = _told(moved, sum(was is not None for _, was, _ in pairs))
    return found


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
        return "\N{MULTIPLICATION SIGN}".join(map(str, value))
    if isinstance(value, float):
        return plain(value)
    return "none" if value is None else str(value).removesuffix("()").replace(", inplace=False", "")


def _recipe(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = arm["job"]["recipe"], baseline["job"]["recipe"]
    return {
        name.replace("_", " "): _became(theirs[name], ours[name]) for name in theirs if theirs[name] != ours.get(name)
    }
