"""The arms of a study: diverged and lost trials, means over seeds."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd

from ablations import AGAIN, Contrast, Study
from ablations.framework.study import SHUFFLED
from bench.metrics.table import describe_metric
from bench.records.store import FAILURES
from bench.spec.jobs import Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Note, Table, make_columns
from reports.statistics.summary import estimate_mean, noise_floor, paired_differences, select_values
from reports.tables.observations import STEPS, TOTALS
from reports.text import formatting
from reports.text.formatting import NOTHING, column_heading, format_fixed, format_list, format_mean, pluralize

ACCURACIES = "test/accuracy", "test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"
SHOWN_METRICS = *ACCURACIES, "gap/accuracy", "speed/images_per_second", "sparsity/zeros/mean"
DIVERGED = "Diverged trials"
MAX_NAMED = 20  # maximal number of lost seeds, and of reasons, that are listed per arm


def trained_arms(evidence: Evidence) -> list[str]:
    """List the arms with trials, controls last."""
    return list(dict.fromkeys(place.arm for place in evidence.placed if isinstance(place.job, Trial)))


def label_arm(arm: str) -> str:
    """Return the arm's name, marked if it is a control."""
    return f"{arm} (control)" if arm in (AGAIN, SHUFFLED) else arm


def list_contrasts(study: Study) -> list[Contrast]:
    """List the contrasts of all of the study's claims."""
    return [part for claim in study.claims for part in claim.parts if isinstance(part, Contrast)]


def tabulate_arms(study: Study, evidence: Evidence) -> Table:
    """Tabulate every arm's means over seeds, and below them the differences from the baseline."""
    results, arms = evidence.results, trained_arms(evidence)
    candidates = dict.fromkeys((*SHOWN_METRICS, *(part.metric for part in list_contrasts(study))))
    metrics = [metric for metric in candidates if metric in results and results[metric].notna().any()]
    means = {metric: [_mean_cell(results, arm, study.baseline, metric) for arm in arms] for metric in metrics}
    if "test/accuracy" in means:
        means["test/accuracy"] = _mark_best(means["test/accuracy"], [arm in study.arms for arm in arms])
    counts = results.groupby("arm")["pair"].nunique()
    seeds = [Cell(label_arm(arm), pluralize(counts.get(arm, 0), "seed")) for arm in arms]
    sizes = [[_size_cell(evidence, arm, study.baseline, total) for arm in arms] for total in TOTALS]
    return Table(
        f"{study.name}: means over seeds, differences from {study.baseline}",
        make_columns("Arm", *map(column_heading, metrics), "Parameters", ("MACs", "per image")),
        tuple(zip(seeds, *means.values(), *sizes, strict=True)),
        "Mean over seeds and half-width of its 95 % interval; below, the mean paired difference from the baseline with "
        "its own. The highest test accuracy is marked, controls excepted. Other columns have no mark: the smallest gap "
        "may belong to a network that learnt nothing, and a trial's own speed is shown, not judged. MACs are "
        f"multiply-accumulates.{_describe_floors(results, study, metrics)}",
    )


def build_lost_trials(evidence: Evidence) -> list[Block]:
    """Build a note on the trials that diverged, and one on those without a result: number, names and reasons."""
    if not len(evidence.trials):
        return []
    diverged_text = _name_trials(evidence, "diverged", ", and count with their accuracy at chance")
    lost_texts = [_name_trials(evidence, status) for status in (*FAILURES, "not run")]
    notes = (DIVERGED, diverged_text), ("Trials without a result", " ".join(filter(None, lost_texts)))
    return [Note(title, text) for title, text in notes if text]


def _name_trials(evidence: Evidence, status: str, consequence: str = "") -> str:
    """Count and name the trials with a status, and give the reasons; '' if there are none."""
    trials = evidence.trials[evidence.trials["status"] == status]
    seeds_by_arm = trials.groupby("arm", sort=False)["seed"]
    arms = [f"{arm} (seed {format_list(seeds, MAX_NAMED)})" for arm, seeds in seeds_by_arm]
    if not arms:
        return ""
    sentence = f"{len(trials)} of {len(evidence.trials)} trials {status}{consequence}: {'; '.join(arms)}."
    return " ".join([sentence, *_list_reasons(evidence, trials["identity"])])


def _list_reasons(evidence: Evidence, identities: Iterable[str]) -> list[str]:
    records = [evidence.records[identity] for identity in identities if identity in evidence.records]
    reasons = sorted({str(record["reason"]).rstrip(".") for record in records if record.get("reason")})
    omission = [f"{len(reasons) - MAX_NAMED:,} more reasons."] * (len(reasons) > MAX_NAMED)
    return [f"Reason: {reason}." for reason in reasons[:MAX_NAMED]] + omission


def _describe_floors(results: pd.DataFrame, study: Study, metrics: Sequence[str]) -> str:
    floors = []
    for metric in metrics:
        description = describe_metric(metric)
        if (floor := noise_floor(results, study.baseline, metric) * description.factor) > 0:
            floors.append(f"{description.label} {formatting.format_half_width(floor)} {description.difference}".strip())
    return f" Noise floor, the baseline against itself: {'; '.join(floors)}." if floors else ""


def _mean_cell(results: pd.DataFrame, arm: str, baseline: str, metric: str) -> Cell:
    factor = describe_metric(metric).factor
    mean = estimate_mean(select_values(results, arm, metric)).scaled(factor)
    if not mean.size:
        return Cell(NOTHING)
    change = estimate_mean(paired_differences(results, arm, baseline, metric)).scaled(factor)
    detail = "" if arm == baseline or not change.size else format_mean(change.mean, change.half, signed=True)
    censored = metric == STEPS and results.loc[results["arm"] == arm, "censored"].any()
    return Cell("at least " * bool(censored) + format_mean(mean.mean, mean.half), detail, mean.mean)


def _size_cell(evidence: Evidence, arm: str, baseline: str, total: str) -> Cell:
    """A trained arm's parameters or MACs, with the change from the baseline."""
    record, reference = evidence.first_network_record(arm), evidence.first_network_record(baseline)
    if record is None:
        return Cell(NOTHING)
    size = record["network"][total]
    base = reference["network"][total] if reference else size
    change = f"{format_fixed(100 * (size / base - 1), 1, signed=True)} %" if base and base != size else ""
    return Cell(formatting.format_count(size), change, size)


def _mark_best(cells: Sequence[Cell], competing: Sequence[bool]) -> list[Cell]:
    """Mark the highest of the cells that compete."""
    best = max((cell.sort or 0.0 for cell, competes in zip(cells, competing, strict=True) if competes), default=0.0)
    return [replace(cell, best=competes and cell.sort == best) for cell, competes in zip(cells, competing, strict=True)]
