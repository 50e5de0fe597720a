"""A study as blocks."""

from __future__ import annotations

import pandas as pd

from ablations.study import AGAIN, SHUFFLED, Study
from bench.spec import Count, Probe, Timing, Trial
from reports import claims, figures, samples, summary, tables
from reports.blocks import Block, Figure, Heading, Items, Note, Text
from reports.changes import confounded
from reports.evidence import Evidence
from reports.figures import Axis
from reports.frame import unit

QUOTED = "\N{LEFT SINGLE QUOTATION MARK}{}\N{RIGHT SINGLE QUOTATION MARK}"
CURVES = ("train/accuracy", "validation/accuracy")


def chapter(study: Study, evidence: Evidence) -> list[Block]:
    """evidence: what belongs to the study."""
    primary = [judgement for judgement in evidence.judgements if judgement.claim.primary]
    blocks: list[Block] = [Heading(f"Study: {study.name}"), Text(study.question, lead=True), *_lost(evidence)]
    blocks += [Heading("Claims", 3)] * bool(primary)
    for judgement in primary:
        blocks += claims.detail(judgement, evidence.floor(judgement))
    if study.arms:
        blocks += _trained(study, evidence)
    blocks += _other_jobs(evidence)
    if any(judgement.claim.published for judgement in primary):
        blocks += [Heading("Published figures", 3), claims.published(study.name, primary)]
    if study.caveats:
        blocks += [Heading("Caveats", 3), Items(study.caveats)]
    return blocks


def _lost(evidence: Evidence) -> list[Block]:
    """Trials without a result, counted and named."""
    rows = evidence.trials
    if not len(rows) or (rows["status"] == "finished").all():
        return []
    told = []
    for status in ("diverged", "failed", "not run"):
        lost = rows[rows["status"] == status]
        arms = [f"{arm} (seed {', '.join(map(str, group['seed']))})" for arm, group in lost.groupby("arm", sort=False)]
        told += [f"{len(lost)} of {len(rows)} trials {status}: {'; '.join(arms)}."] if arms else []
    known = [evidence.records[name] for name in rows["identity"] if name in evidence.records]
    reasons = {str(record["reason"]) for record in known if record.get("reason")}
    return [Note("Trials without a result", " ".join([*told, *(f"Reason: {reason}." for reason in sorted(reasons))]))]


def _trained(study: Study, evidence: Evidence) -> list[Block]:
    blocks: list[Block] = [
        Heading("What each arm changes", 3),
        tables.switches(study, evidence),
        *_warning(study, evidence),
    ]
    blocks += [Heading("Arms", 3), tables.arms(study, evidence)]
    drawn = [_curves(study, evidence), _differences(study, evidence), _speed(study, evidence), _zeros(study, evidence)]
    shown: list[Block] = [figure for figure in drawn if figure]
    return blocks + ([Heading("Figures", 3), *shown] if shown else [])


def _warning(study: Study, evidence: Evidence) -> list[Block]:
    """Arms that change two things at once cannot tell which of them did it."""
    baseline = evidence.first(study.baseline, Trial)
    told = []
    for arm in study.arms:
        record = evidence.first(arm, Trial)
        if record and baseline and (aspects := confounded(record, baseline)):
            told.append(f"{QUOTED.format(arm)} changes {', '.join(aspects[:-1])} and {aspects[-1]} together.")
    text = f"Against the baseline, {QUOTED.format(study.baseline)}: {' '.join(told)}"
    return [Note("More than one thing changed", text)] if told else []


def _curves(study: Study, evidence: Evidence) -> Figure | None:
    table = evidence.curves[evidence.curves["metric"].isin(CURVES)]
    if table["epoch"].nunique() < 2:
        return None
    arms = [arm for arm in tables.trained(evidence) if arm != AGAIN and arm in set(table["arm"])]
    axes = [_axis(metric) for metric in CURVES if metric in set(table["metric"])]
    drawing = figures.curves(summary.by_arm(table, ("arm", "epoch", "metric")), axes, arms, f"{study.name}-curves")
    return Figure(*drawing, "Learning curves: means over seeds; the bands are 95 % intervals.")


def _differences(study: Study, evidence: Evidence) -> Figure | None:
    table = evidence.of_trials
    arms = [arm for arm in tables.trained(evidence) if arm not in (study.baseline, SHUFFLED)]
    rows = []
    for metric in summary.subtracted(study):
        factor, floor = unit(metric).factor, summary.floor(table, study.baseline, metric)
        for arm in arms:
            pairs = summary.pairs(table, arm, study.baseline, metric) * factor
            if len(pairs):
                found, margin = summary.mean(pairs), summary.margin(study, arm, metric)
                rows.append((arm, metric, found.mean, found.half, floor * factor, margin, tuple(pairs)))
    if not rows:
        return None
    data = pd.DataFrame(rows, columns=["arm", "metric", "mean", "half", "floor", "margin", "pairs"])
    axes = [Axis(metric, _difference(metric)) for metric in data["metric"].unique()[:3]]
    shown = [arm for arm in arms if arm in set(data["arm"])]
    drawing = figures.differences(data, axes, shown, study.baseline, f"{study.name}-differences")
    caption = (
        f"Paired differences from {study.baseline}: a dot a pair, their mean and its 95 % interval. The shaded band is "
        "the noise floor: what the baseline differs from itself."
    )
    margins = " Dashed lines are the claims' margins." if data["margin"].notna().any() else ""
    return Figure(*drawing, caption + margins)


def _difference(metric: str) -> str:
    known = unit(metric)
    return f"Difference in {known.label}" + f", {known.unit}" * bool(known.unit)


def _speed(study: Study, evidence: Evidence) -> Figure | None:
    x, y = _axis("speed/images_per_second"), _axis("test/accuracy")
    table = evidence.of_trials[evidence.of_trials["arm"].isin(study.arms)]
    table = summary.by_arm(table[table["metric"].isin((x.metric, y.metric))], ("arm", "metric"))
    if table["metric"].nunique() < 2:
        return None
    arms = [arm for arm in study.arms if arm in set(table["arm"])]
    drawing = figures.scatter(table, x, y, arms, f"{study.name}-speed")
    return Figure(*drawing, "Accuracy against the trials' own speed: means over seeds with 95 % intervals.")


def _zeros(study: Study, evidence: Evidence) -> Figure | None:
    prefix = "sparsity/zeros/"
    table = evidence.of_trials
    table = table[table["metric"].str.startswith(prefix) & (table["metric"] != f"{prefix}mean")]
    table = table[table["arm"].isin(study.arms)].assign(layer=table["metric"].str.removeprefix(prefix))
    if not len(table):
        return None
    wide = 100 * table.pivot_table(index="arm", columns="layer", values="value", sort=False)
    wide = wide.reindex([arm for arm in study.arms if arm in wide.index])
    drawing = figures.heat(wide, "Exact zeros, %", f"{study.name}-zeros")
    return Figure(*drawing, "Share of exact zeros after each layer's activation, on the test images: means over seeds.")


def _axis(metric: str) -> Axis:
    shown = tables.column(metric)
    return Axis(metric, f"{shown.label}, {shown.unit}" if shown.unit else shown.label, unit(metric).factor)


def _other_jobs(evidence: Evidence) -> list[Block]:
    """Counts, timings and probes."""
    blocks: dict[str, list[Block]] = {"Counts": [], "Timings": [], "Probes": []}
    for place in evidence.placed:
        record = evidence.record(place.job)
        if isinstance(place.job, Trial):
            continue
        section = {Count: "Counts", Timing: "Timings", Probe: "Probes"}[type(place.job)]
        if record is None or record["status"] != "finished":
            what = place.arm or getattr(place.job, "subject", "") or getattr(place.job, "question", "")
            blocks[section].append(Note("Not finished", f"{what}: {record['reason'] if record else 'not run'}"))
        elif isinstance(place.job, Count):
            blocks[section].append(tables.layers(record, f"{place.study}, {place.arm}: layer by layer"))
        elif isinstance(place.job, Timing):
            unfit = [Note("Not fit to judge by", record["why_unfit"])] * (not record.get("fit", True))
            blocks[section] += [*unfit, samples.timing(place.study, place.job, record)]
        else:
            blocks[section].append(samples.probe(place.study, place.job.question, record))
    return [block for section, shown in blocks.items() if shown for block in (Heading(section, 3), *shown)]
