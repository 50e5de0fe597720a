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
from reports.statistics.summary import Mean, estimate_mean, noise_floor, paired_differences, select_values
from reports.tables.observations import STEPS, TOTALS
from reports.text import formatting
from reports.text.formatting import NOTHING, column_heading, format_fixed, format_list, format_mean

ACCURACIES = "test/accuracy", "test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"
SHOWN_METRICS = *ACCURACIES, "gap/accuracy", "speed/images_per_second", "sparsity/zeros/mean"
MAIN_METRICS = "test/accuracy", "gap/accuracy"
MAX_METRICS = 5  # in the table of a chapter, which fits on an upright page
DIVERGED = "Diverged trials"
MAX_NAMED = 20  # maximal number of lost seeds, and of reasons, that are listed per arm


def trained_arms(evidence: Evidence) -> list[str]:
    """List the arms with trials, controls last."""
    return list(dict.fromkeys(place.arm for place in evidence.placed if isinstance(place.job, Trial)))


def label_arm(arm: str) -> str:
    """Return the arm's name, marked if it is a control."""
    return f"{arm} (control)" if arm in (AGAIN, SHUFFLED) else arm


def label_trials(evidence: Evidence) -> dict[tuple[str, int], str]:
    """Name each trial of a study by arm and pair: study, arm and seed, as MLflow names the run, and its identity."""
    columns = (evidence.trials[name] for name in ("study", "arm", "pair", "seed", "identity"))
    return {
        (arm, pair): f"{study} / {arm} / seed {seed}, identity {identity}"
        for study, arm, pair, seed, identity in zip(*columns, strict=True)
    }


def list_contrasts(study: Study) -> list[Contrast]:
    """List the contrasts of all of the study's claims."""
    return [part for claim in study.claims for part in claim.parts if isinstance(part, Contrast)]


def tabulate_arms(study: Study, evidence: Evidence) -> list[Table]:
    """Tabulate test accuracy, its difference from the baseline, and the claims' metrics of each arm with a result."""
    results, arms = evidence.results, _measured_arms(evidence)
    if not arms:
        return []
    claimed = (part.metric for claim in study.claims for part in claim.stated if isinstance(part, Contrast))
    counts = results.groupby("arm")["pair"].nunique()
    seeds = [int(counts[arm]) for arm in arms]
    columns: dict[str | tuple[str, str], list[Cell]] = {"Seeds": [Cell(str(count), "", count) for count in seeds]}
    for metric in _select_measured(results, (*MAIN_METRICS, *claimed))[:MAX_METRICS]:
        columns[column_heading(metric)] = _mean_cells(results, study, arms, metric)
        if metric == ACCURACIES[0]:
            changes = [_estimate_change(results, arm, study.baseline, metric) for arm in arms]
            columns["Difference", "points"] = [
                Cell(_format_change(change), "", change.mean if change.size else None) for change in changes
            ]
    remark = (
        f"With half-widths of 95 % intervals, whatever the looks. Differences from {study.baseline} are over the seeds "
        "that both have. The best test accuracy is marked."
    )
    rows = tuple(zip(map(Cell, map(label_arm, arms)), *columns.values(), strict=True))
    return [Table(f"{study.name}: means over seeds", make_columns("Arm", *columns), rows, remark)]


def tabulate_metrics(study: Study, evidence: Evidence) -> list[Table]:
    """Tabulate all means and sizes of each arm with a result, and below them the differences from the baseline."""
    results, arms = evidence.results, _measured_arms(evidence)
    if not arms:
        return []
    own = [f"test/{component.name}" for component in study.components if component.kind == "metric"]
    metrics = _select_measured(results, (*SHOWN_METRICS, *own, *(part.metric for part in list_contrasts(study))))
    means = {metric: _mean_cells(results, study, arms, metric) for metric in metrics}
    for metric, cells in means.items():
        changes = [_estimate_change(results, arm, study.baseline, metric) for arm in arms]
        means[metric] = [
            replace(cell, detail=_format_change(change) if change.size else "")
            for cell, change in zip(cells, changes, strict=True)
        ]
    sizes = [[_size_cell(evidence, arm, study.baseline, total) for arm in arms] for total in TOTALS]
    remark = (
        "Mean over seeds and half-width of its 95 % interval; below, the mean paired difference from the baseline with "
        "its own. A trial's own speed is shown, not judged. MACs are multiply-accumulates."
        f"{_describe_floors(results, study, metrics)}"
    )
    columns = make_columns("Arm", *map(column_heading, metrics), "Parameters", ("MACs", "per image"))
    rows = tuple(zip(map(Cell, map(label_arm, arms)), *means.values(), *sizes, strict=True))
    return [Table(f"{study.name}: all metrics, differences from {study.baseline}", columns, rows, remark)]


def _measured_arms(evidence: Evidence) -> list[str]:
    measured = set(evidence.results["arm"])
    return [arm for arm in trained_arms(evidence) if arm in measured]


def _select_measured(results: pd.DataFrame, metrics: Iterable[str]) -> list[str]:
    return [metric for metric in dict.fromkeys(metrics) if metric in results and results[metric].notna().any()]


def build_lost_trials(evidence: Evidence) -> list[Block]:
    """Build a note on the trials that diverged, and one on those without a result: number, names and reasons."""
    if not len(evidence.trials):
        return []
    diverged_text = _describe_trials(evidence, "diverged", ", and count with their accuracy at chance")
    lost_texts = [_describe_trials(evidence, status) for status in (*FAILURES, "not run")]
    notes = (DIVERGED, diverged_text), ("Trials without a result", " ".join(filter(None, lost_texts)))
    return [Note(title, text) for title, text in notes if text]


def _describe_trials(evidence: Evidence, status: str, consequence: str = "") -> str:
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


def _mean_cells(results: pd.DataFrame, study: Study, arms: Sequence[str], metric: str) -> list[Cell]:
    """Return each arm's mean; the highest test accuracy of the study's arms, controls excepted, is marked."""
    cells = [_mean_cell(results, arm, metric) for arm in arms]
    if metric != ACCURACIES[0]:
        return cells
    best = max((cell.sort or 0.0 for cell, arm in zip(cells, arms, strict=True) if arm in study.arms), default=0.0)
    return [replace(cell, best=arm in study.arms and cell.sort == best) for cell, arm in zip(cells, arms, strict=True)]


def _mean_cell(results: pd.DataFrame, arm: str, metric: str) -> Cell:
    mean = estimate_mean(select_values(results, arm, metric)).scaled(describe_metric(metric).factor)
    if not mean.size:
        return Cell(NOTHING)
    censored = metric == STEPS and results.loc[results["arm"] == arm, "censored"].any()
    return Cell("at least " * bool(censored) + format_mean(mean.mean, mean.half), "", mean.mean)


def _estimate_change(results: pd.DataFrame, arm: str, baseline: str, metric: str) -> Mean:
    """Estimate the mean paired difference from the baseline, in the unit shown; without values for the baseline."""
    if arm == baseline:
        return Mean()
    return estimate_mean(paired_differences(results, arm, baseline, metric)).scaled(describe_metric(metric).factor)


def _format_change(change: Mean) -> str:
    return format_mean(change.mean, change.half, signed=True)


def _size_cell(evidence: Evidence, arm: str, baseline: str, total: str) -> Cell:
    """A trained arm's parameters or MACs, with the change from the baseline."""
    record, reference = evidence.first_network_record(arm), evidence.first_network_record(baseline)
    if record is None:
        return Cell(NOTHING)
    size = record["network"][total]
    base = reference["network"][total] if reference else size
    change = f"{format_fixed(100 * (size / base - 1), 1, signed=True)} %" if base and base != size else ""
    return Cell(formatting.format_count(size), change, size)
