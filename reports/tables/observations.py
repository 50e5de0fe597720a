"""Records as tidy tables."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add, itemgetter
from typing import Any, NamedTuple

import pandas as pd

from ablations import Study
from ablations.framework.study import STEPS
from ablations.framework.waves import PlacedJob
from bench.records.store import final_metrics
from bench.spec.config import model_levels
from bench.spec.jobs import Count, Trial, identity

TOTALS = ("parameters", "macs")  # fields of a network and of each layer
CURVES = ("train/accuracy", "validation/accuracy")
ACCURACIES = ("train/accuracy", "validation/accuracy", "test/accuracy")  # of a diverged trial they are at chance
SAMPLE_COLUMNS = ["arm", "pair", "metric", "value"]
TRIAL_COLUMNS = ["study", "arm", "pair", "identity", "censored", "diverged"]
Record = dict[str, Any]
Records = Mapping[str, Record]


class Observation(NamedTuple):
    """A measured number.

    Attributes:
        study: The study's name.
        arm: The arm's name.
        pair: Number that pairs the value with that of another arm: a seed, or a round of a timing.
        metric: The metric's name.
        value: The number, in the stored unit.
        censored: Whether the true value is larger, because the budget ended first.
        fit: Whether the machine was quiet enough for a verdict.
        identity: Identity of the job; of a combination of arms, several joined by '+'.
        trained: Whether a trial measured it, so that an extra seed gives an extra pair.
        diverged: Number of diverged trials behind it: 0 or 1, and of a combination of arms up to their number.
    """

    study: str
    arm: str
    pair: int
    metric: str
    value: float
    censored: bool = False
    fit: bool = True
    identity: str = ""
    trained: bool = False
    diverged: int = 0


def tabulate_observations(places: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """Table of all observations of finished jobs and of diverged trials: one row per observation.

    Columns are the fields of Observation.
    """
    results = tabulate_results(places, records)
    trained = results.melt(TRIAL_COLUMNS, var_name="metric").dropna(subset="value").assign(fit=True, trained=True)
    trained["censored"] &= trained["metric"] == STEPS
    rows = [
        Observation(place.study, arm, pair, metric, value, False, record.get("fit", True), record["identity"])
        for place, record in select_finished(places, records)
        if not isinstance(place.job, Trial)
        for arm, pair, metric, value in map(itemgetter(*SAMPLE_COLUMNS), list_samples(place, record))
    ]
    types = Observation.__annotations__
    tables = (trained[list(types)], pd.DataFrame(rows, columns=list(types)))
    return pd.concat([table.astype(types) for table in tables], ignore_index=True)


def tabulate_results(places: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """Table of finished and diverged trials: one row per trial.

    Columns are TRIAL_COLUMNS and the last value of each metric; of a diverged trial accuracies at chance, a gap of zero
    and no other metric. Column 'pair' is the study's seed, which differs from the trial's own in the A/A arm. Column
    STEPS holds the budget if it is censored.
    """
    trials, values = [], []
    for place, record in _with_records(places, records):
        if isinstance(place.job, Trial) and record["status"] in ("finished", "diverged"):
            diverged = record["status"] == "diverged"
            metrics = _diverged_metrics(place.job) if diverged else final_metrics(record)
            trials.append((place.study, place.arm, place.seed, record["identity"], STEPS not in metrics, int(diverged)))
            values.append(metrics | {STEPS: metrics.get(STEPS, _budget(place.job, record["points"]))})
    return pd.DataFrame(trials, columns=TRIAL_COLUMNS).join(pd.DataFrame(values))


def tabulate_combinations(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """Table of a study's combinations of arms, for the pairs and metrics that all of a combination's arms have.

    Args:
        study: The study with its combinations: weights of arms by name.
        results: The study's rows of `tabulate_results`.

    Returns:
        One row an observation, its columns the fields of Observation.
    """
    metrics = [name for name in results.columns if name not in (*TRIAL_COLUMNS, STEPS)]
    trials_by_pair = {(row["pair"], row["arm"]): row for row in results.to_dict("records")}
    rows = []
    for pair in sorted({pair for pair, _ in trials_by_pair}):
        for name, weights in study.combinations.items():
            trials = {arm: trials_by_pair.get((pair, arm)) for arm in weights}
            weighted = [(trial, weights[arm]) for arm, trial in trials.items() if trial]
            identities = "+".join(trial["identity"] for trial, _ in weighted)
            diverged = sum(trial["diverged"] for trial, _ in weighted)
            terms = {metric: [weight * trial[metric] for trial, weight in weighted] for metric in metrics}
            sums = {metric: reduce(add, parts, 0.0) for metric, parts in terms.items()}  # Python 3.12's sum() differs
            rows += [
                Observation(study.name, name, pair, metric, value, False, True, identities, True, diverged)
                for metric, value in sums.items()
                if len(weighted) == len(weights) and not math.isnan(value)
            ]
    return pd.DataFrame(rows, columns=list(Observation._fields)).astype(Observation.__annotations__)


def tabulate_trials(places: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """Table of all trials, finished or not: one row per trial; the status of a trial without a record is 'not run'.

    Columns are study, arm, pair (the study's seed), seed (the trial's own, which differs only in the A/A arm),
    identity, status and one per factor. Trials with a record also have parameters, macs and seconds. Only finished
    trials have the last value of each metric, so that means never include an interrupted trial.
    """
    return pd.DataFrame([_trial_row(place, place.job, records) for place in places if isinstance(place.job, Trial)])


def tabulate_curves(places: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """Table of learning curves, diverged trials included: study, arm, pair, step, epoch, metric (of CURVES), value."""
    rows = [
        (place.study, place.arm, place.seed, point["step"], point["epoch"], metric, value)
        for place, record in _with_records(places, records)
        for point in record.get("points", ())
        for metric in CURVES
        if (value := point["metrics"].get(metric)) is not None
    ]
    return pd.DataFrame(rows, columns=["study", "arm", "pair", "step", "epoch", "metric", "value"])


def get_environment(record: Record) -> dict[str, Any]:
    """Environment that measured the record, by field; empty for a failure that left none."""
    environment = record.get("environment") or {}
    return {"processes": 1, **environment} if environment else {}


def select_finished(places: Iterable[PlacedJob], records: Records) -> Iterator[tuple[PlacedJob, Record]]:
    """Yield each finished job with its record."""
    return ((place, record) for place, record in _with_records(places, records) if record["status"] == "finished")


def list_samples(place: PlacedJob, record: Record) -> list[dict[str, Any]]:
    """Samples of a count, timing or probe: arm (that of the job, if a sample names none), pair, metric and value."""
    if isinstance(place.job, Count):
        totals = _layer_totals(record["network"]).items()
        return [{"arm": place.arm, "pair": 0, "metric": metric, "value": value} for metric, value in totals]
    return [{**sample, "arm": sample["arm"] or place.arm} for sample in record["samples"]]


def _with_records(places: Iterable[PlacedJob], records: Records) -> Iterator[tuple[PlacedJob, Record]]:
    for place in places:
        if record := records.get(identity(place.job)):
            yield place, record


def _diverged_metrics(trial: Trial) -> dict[str, float]:
    return {**dict.fromkeys(ACCURACIES, trial.data.chance), "gap/accuracy": 0.0}


def _budget(trial: Trial, points: Sequence[Mapping[str, Any]]) -> float:
    """Number of steps that the trial was given, from its last point; NaN if it diverged before its first epoch."""
    step, epoch = (points[-1]["step"], points[-1]["epoch"]) if points else (0, 0)
    return step * trial.recipe.epochs / epoch if epoch else math.nan


def _layer_totals(network: dict[str, Any]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for total in TOTALS:
        counts[f"{total}/total"] = network[total]
        for layer in network["layers"]:
            name = re.sub(r"^(conv\d+)[ab]$", r"\1", layer["name"])  # the pair conv2a and conv2b replaces conv2
            counts[f"{total}/{name}"] = counts.get(f"{total}/{name}", 0) + layer[total]
        convolutions = sum(layer[total] for layer in network["layers"] if layer["kind"] == "conv")
        counts[f"{total}/conv_share"] = convolutions / network[total] if network[total] else 0.0
    return counts


def _trial_row(place: PlacedJob, job: Trial, records: Records) -> dict[str, Any]:
    factors, record = model_levels(vars(job.model)) | vars(job.recipe), records.get(identity(job))
    row: dict[str, Any] = {"study": place.study, "arm": place.arm, "pair": place.seed, "seed": job.seed}
    row |= {"identity": record["identity"] if record else identity(job)}  # an earlier revision's differs from the job's
    row |= {"status": record["status"] if record else "not run"}
    row |= {name: ", ".join(level) if isinstance(level, tuple) else level for name, level in factors.items()}
    if record:
        row |= {total: record.get("network", {}).get(total) for total in TOTALS}
        row |= {"seconds": record["ended"] - record["started"]}
        row |= final_metrics(record) if record["status"] == "finished" else {}
    return row
