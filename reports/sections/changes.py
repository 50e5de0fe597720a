"""Changes of each arm against the baseline, read from the networks as built and the recipes as run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ablations import Study
from bench.spec.config import ALEXNET, TrainConfig
from bench.spec.qualified_names import plain_name
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Note, Table, make_columns
from reports.sections.arms import label_arm, list_contrasts, trained_arms
from reports.tables.observations import TOTALS, Record
from reports.text.formatting import TIMES, format_count, format_fixed, format_number

ARROW = "\N{RIGHTWARDS ARROW}"
QUOTED = "\N{LEFT SINGLE QUOTATION MARK}{}\N{RIGHT SINGLE QUOTATION MARK}"
FIELDS = ("inputs", "shape", "gain", "activation", "normalisation", "pooling", "dropout")
FOLLOWERS = ("norm", "act")  # kinds of rows that are fields of the layer before them, too
TORCH_DETAIL = re.compile(  # not part of the factor: channels are sizes, and the rest is torch's default
    r", inplace=\w+|\(inplace=\w+\)|\(\)$|(?<=BatchNorm[123]d)\(.*\)|(?<=InstanceNorm[123]d)\(.*\)"
    r"|(?<=LayerNorm)\(.*\)|(?<=RMSNorm)\(.*\)|(?<=GroupNorm\(\d), \d+, eps=.*(?=\))"
    r"|(?<=GroupNorm\(\d\d), \d+, eps=.*(?=\))"
)
MAX_LISTED = 8  # layers, or changes of layers, that are listed
NOTABLE = 0.01  # smallest relative change of parameters that counts; smaller ones come from rounding a width


def build_changes(study: Study, evidence: Evidence) -> list[Block]:
    """Build a table of the changes of each arm from the baseline, and a note on comparisons of several aspects at once.

    Such a comparison cannot separate the effects of the aspects.
    """
    baseline = evidence.first_network_record(study.baseline)
    rows = []
    for arm in trained_arms(evidence):
        record = evidence.first_network_record(arm)
        if arm == study.baseline:
            text = "the baseline"
        elif record is None or baseline is None:
            text = "not run"
        else:
            changes = list_changes(record, baseline).items()
            text = "\n".join(f"{aspect}: {change}" for aspect, change in changes) or "nothing but the seeds"
        rows.append((Cell(label_arm(arm)), Cell(text)))
    columns = make_columns("Arm", "Change from the baseline", text=2)
    table = Table(f"{study.name}: read from the networks as built and the recipes as run", columns, tuple(rows))
    warnings = [text for arm, reference in list_comparisons(study) if (text := _warn(evidence, arm, reference))]
    return [table, *[Note("Arms that differ in several aspects at once", " ".join(warnings))] * bool(warnings)]


def list_comparisons(study: Study) -> list[tuple[str, str]]:
    """List the pairs of arms that claims compare, and the baseline with each arm that none compares."""
    parts = [(part.arm, part.reference) for part in list_contrasts(study)]
    pairs = [(arm, reference) for arm, reference in parts if isinstance(reference, str) and reference in study.arms]
    compared = {study.baseline, *(name for pair in pairs for name in pair)}
    return list(dict.fromkeys([*pairs, *((arm, study.baseline) for arm in study.arms if arm not in compared)]))


def _warn(evidence: Evidence, arm: str, reference: str) -> str:
    """Name the aspects in which two arms differ; '' unless there are several."""
    record, other_record = map(evidence.first_network_record, (arm, reference))
    aspects = confounded_aspects(record, other_record) if record and other_record else []
    if not aspects:
        return ""
    listed = f"{', '.join(aspects[:-1])} and {aspects[-1]}"
    return f"{QUOTED.format(arm)} against {QUOTED.format(reference)}: {listed}."


def list_changes(arm: Record, baseline: Record) -> dict[str, str]:
    """List each aspect in which the arm differs from the baseline, with the baseline's value and the arm's."""
    changes = _network_changes(arm, baseline)
    if "network" not in changes:  # of two networks, every layer differs
        suffix = " as built" * _is_declared(baseline)  # follows from the factors
        changes |= {aspect + suffix: change for aspect, change in _layer_changes(arm, baseline).items()}
    changes |= _recipe_changes(arm, baseline)
    for total in TOTALS:
        before, after = baseline["network"][total], arm["network"][total]
        if before != after:
            label = "MACs" if total == "macs" else total
            share = f" ({format_fixed(100 * (after / before - 1), 1, signed=True)} %)" if before else ""
            changes[label] = f"{format_count(before)} {ARROW} {format_count(after)}{share}"
    return changes


def confounded_aspects(arm: Record, baseline: Record) -> list[str]:
    """List the aspects that an arm changes at once; empty if it changes at most one.

    Consequences of another change do not count: a gain follows its activation, MACs and sizes follow the layers, and a
    normalisation brings its own parameters. All layers of a declared network follow from its factors.
    """
    if _is_declared(arm) or _is_declared(baseline):
        aspects = [*_network_changes(arm, baseline), *_recipe_changes(arm, baseline)]
        return aspects if len(aspects) > 1 else []
    changes = list_changes(arm, baseline)
    before, after = (sum(row["parameters"] for row in _weighted_layers(record).values()) for record in (baseline, arm))
    minor = {"layer sizes", "MACs"} | ({"gain"} if "activation" in changes else set())
    if before and abs(after / before - 1) < NOTABLE:
        minor.add("parameters")
    aspects = [aspect for aspect in changes if aspect not in minor]
    return aspects if len(aspects) > 1 else []


def _is_declared(record: Record) -> bool:
    return bool(record["job"]["model"].get("network", ALEXNET) != ALEXNET)


def _network_changes(arm: Record, baseline: Record) -> dict[str, str]:
    """List the factors of a declared network that differ, or the network alone if that differs."""
    ours, theirs = (
        {"network": model.get("network", ALEXNET), **dict(model.get("factors", ()))}
        for model in (arm["job"]["model"], baseline["job"]["model"])
    )
    names = ["network"] if ours["network"] != theirs["network"] else list(theirs)
    return _list_differences({name: (theirs[name], ours.get(name)) for name in names})


def _layer_changes(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = _weighted_layers(arm), _weighted_layers(baseline)
    removed = [_describe_layer(row) for name, row in theirs.items() if name not in ours]
    added = [_describe_layer(row) for name, row in ours.items() if name not in theirs]
    changes = {}
    if removed or added:
        parts = [f"{word} {_join(layers, ', ')}" for word, layers in (("without", removed), ("with", added)) if layers]
        if len(theirs) != len(ours):
            changes["depth"] = f"{_arrow(len(theirs), len(ours))} layers with weights: {'; '.join(parts)}"
        else:
            changes["layers"] = "; ".join(parts)
    for field in FIELDS:
        levels = [(name, theirs[name].get(field), ours[name].get(field)) for name in ours if name in theirs]
        if changed_levels := [level for level in levels if not _is_same(*level[1:])]:
            aspect = "layer sizes" if field == "shape" else field
            changes[aspect] = _group_by_change(changed_levels, sum(before is not None for _, before, _ in levels))
    return changes


def _is_same(before: Any, after: Any) -> bool:
    """Whether two levels of a layer are the same; two modules are if they are shown alike."""
    return bool(before == after or (isinstance(before, str) and _show(before) == _show(after)))


def _weighted_layers(record: Record) -> dict[str, dict[str, Any]]:
    """Return the layers by name, without normalisations and activations, which are fields of the layers' rows."""
    return {row["name"]: row for row in record["network"]["layers"] if row["kind"] not in FOLLOWERS}


def _describe_layer(row: dict[str, Any]) -> str:
    """Describe a layer with the modules between it and the next layer."""
    parts = [_show(row["shape"])] * bool(row["shape"]) + [f"gain {_show(row.get('gain'))}"] * bool(row.get("gain"))
    if row.get("activation") or "gain" in row:  # that of a declared network, without gains, may be a plain function
        parts.append(_show(row["activation"]) if row.get("activation") else "no activation")
    parts += [_show(row[field]) for field in ("normalisation", "dropout") if row.get(field)]
    parts += [row["pooling"].partition("(")[0]] if row.get("pooling") else []
    return f"{row['name']} ({', '.join(parts)})"


def _group_by_change(changed_levels: Iterable[tuple[str, Any, Any]], layer_count: int) -> str:
    """List each change once, with its layers; 'throughout' if all layers with the factor have it."""
    layers_by_change: dict[str, list[str]] = {}
    for name, before, after in changed_levels:
        layers_by_change.setdefault(_arrow(before, after), []).append(name)
    changes = [
        f"{change} ({'throughout' if len(names) == layer_count > 1 else _join(names, ', ')})"
        for change, names in layers_by_change.items()
    ]
    return _join(changes, "; ")


def _join(texts: Sequence[str], separator: str) -> str:
    """Join the first texts, and count the others."""
    omitted = len(texts) - MAX_LISTED
    return separator.join([*texts[:MAX_LISTED], *[f"{omitted} more"] * (omitted > 0)])


def _arrow(before: Any, after: Any) -> str:
    return f"{_show(before)} {ARROW} {_show(after)}"


def _show(level: Any) -> str:
    if isinstance(level, list):
        return TIMES.join(map(str, level))
    if isinstance(level, float):
        return format_number(level)
    return "none" if level is None else TORCH_DETAIL.sub("", plain_name(str(level)))


def _recipe_changes(arm: Record, baseline: Record) -> dict[str, str]:
    ours, theirs = (
        {
            **vars(TrainConfig(**job["recipe"])),  # records of earlier versions lack the latest fields
            "device": f"{job['device']}, {job['precision']}",
        }
        for job in (arm["job"], baseline["job"])
    )
    return _list_differences({name: (theirs[name], ours[name]) for name in theirs})


def _list_differences(levels: Mapping[str, tuple[Any, Any]]) -> dict[str, str]:
    """List the factors whose two levels, the baseline's and the arm's, differ."""
    return {name.replace("_", " "): _arrow(*pair) for name, pair in levels.items() if pair[0] != pair[1]}
