"""Records as tidy tables."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, get_type_hints

import pandas as pd

from ablations import Study
from ablations.framework.expand import PlacedJob
from bench.records.store import finals
from bench.spec import jobs
from bench.spec.jobs import Count, Trial

TOTALS = ("parameters", "macs")  # of a network, and of each layer
STEPS = "speed/steps_to_train_error_25"
CURVES = ("train/accuracy", "validation/accuracy")
PLACE = ["study", "arm", "pair", "identity", "censored"]
Record = dict[str, Any]
Records = Mapping[str, Record]
identity = cache(jobs.identity)  # every table asks for that of every job


class Observation(NamedTuple):
    """A number that was measured. pair: what it is paired by, a seed or a round. censored: the true one is larger.

    trained: whether a trial measured it, so that a further seed gives a further pair.
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


def observations(placed: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """One row an observation, with the fields of Observation. Only finished jobs give any."""
    trained = (
        results(placed, records).melt(PLACE, var_name="metric").dropna(subset="value").assign(fit=True, trained=True)
    )
    trained["censored"] &= trained["metric"] == STEPS
    rows = [
        Observation(place.study, arm, pair, metric, value, False, record.get("fit", True), record["identity"])
        for place, record in finished(placed, records)
        if not isinstance(place.job, Trial)
        for arm, pair, metric, value in _measured(place, record)
    ]
    types = get_type_hints(Observation)
    tables = (trained[list(types)], pd.DataFrame(rows, columns=list(types)))
    return pd.concat([table.astype(types) for table in tables], ignore_index=True)


def results(placed: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """One row a finished trial: PLACE, and the last value of each metric; the budget where STEPS is censored.

    pair: the study's seed; the A/A arm's own seeds lie elsewhere.
    """
    found = [
        (place, record, finals(record)) for place, record in finished(placed, records) if isinstance(place.job, Trial)
    ]
    places = [
        (place.study, place.arm, place.seed, record["identity"], STEPS not in own) for place, record, own in found
    ]
    metrics = [own | {STEPS: own.get(STEPS, record["points"][-1]["step"])} for _, record, own in found]
    return pd.DataFrame(places, columns=PLACE).join(pd.DataFrame(metrics))


def combined(study: Study, results: pd.DataFrame) -> pd.DataFrame:
    """Observations of the study's combinations of arms, of the pairs and metrics that all of its arms have.

    results: of this study, one row a trial, as `results` gives them.
    """
    metrics = [name for name in results.columns if name not in (*PLACE, STEPS)]
    own = {(row["pair"], row["arm"]): row for row in results.to_dict("records")}
    rows = []
    for pair in sorted({pair for pair, _ in own}):
        for name, weights in study.combinations.items():
            trials = {arm: own.get((pair, arm)) for arm in weights}
            whole = [(trial, weights[arm]) for arm, trial in trials.items() if trial]
            names = "+".join(trial["identity"] for trial, _ in whole)
            sums = {metric: sum(weight * trial[metric] for trial, weight in whole) for metric in metrics}
            rows += [
                Observation(study.name, name, pair, metric, value, identity=names, trained=True)
                for metric, value in sums.items()
                if len(whole) == len(weights) and not math.isnan(value)
            ]
    return pd.DataFrame(rows, columns=list(Observation._fields)).astype(get_type_hints(Observation))


def trials(placed: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """One row a trial, whatever became of it: status is 'not run' where there is no record.

    pair: the study's seed. seed: the trial's own, which differs from it in the A/A arm alone.
    Only finished trials have metrics, so that a mean over a column never mixes in a trial that was cut short.
    """
    return pd.DataFrame(
        [_trial(place, place.job, records.get(identity(place.job))) for place in placed if isinstance(place.job, Trial)]
    )


def curves(placed: Iterable[PlacedJob], records: Records) -> pd.DataFrame:
    """One row a metric of CURVES and step of a trial, those that diverged included."""
    rows = [
        (place.study, place.arm, place.seed, point["step"], point["epoch"], metric, value)
        for place, record in _with_record(placed, records)
        for point in record.get("points", ())
        for metric in CURVES
        if (value := point["metrics"].get(metric)) is not None
    ]
    return pd.DataFrame(rows, columns=["study", "arm", "pair", "step", "epoch", "metric", "value"])


def environment(record: Record) -> dict[str, Any]:
    """What measured it: one process, where it does not say; empty where a failure left nobody to tell."""
    known = record.get("environment") or {}
    return {"processes": 1, **known} if known else {}


def _with_record(placed: Iterable[PlacedJob], records: Records) -> Iterator[tuple[PlacedJob, Record]]:
    for place in placed:
        if record := records.get(identity(place.job)):
            yield place, record


def finished(placed: Iterable[PlacedJob], records: Records) -> Iterator[tuple[PlacedJob, Record]]:
    return ((place, record) for place, record in _with_record(placed, records) if record["status"] == "finished")


def _measured(place: PlacedJob, record: Record) -> Iterator[tuple[str, int, str, float]]:
    """Arm, pair, metric and value of what was not trained."""
    if isinstance(place.job, Count):
        for metric, value in _counted(record["network"]).items():
            yield place.arm, 0, metric, value
    else:
        for sample in samples(record, place.arm):
            yield sample["arm"], sample["pair"], sample["metric"], sample["value"]


def samples(record: Record, arm: str) -> list[dict[str, Any]]:
    """The record's, each with its arm: an answer that brings none speaks of the arm that was asked."""
    return [{**sample, "arm": sample["arm"] or arm} for sample in record["samples"]]


def _counted(network: dict[str, Any]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for what in TOTALS:
        counts[f"{what}/total"] = network[what]
        for layer in network["layers"]:
            place = f"{what}/{layer['name'].rstrip('ab')}"  # a pair, conv2a and conv2b, stands for conv2
            counts[place] = counts.get(place, 0) + layer[what]
        convolutions = sum(layer[what] for layer in network["layers"] if layer["kind"] == "conv")
        counts[f"{what}/conv_share"] = convolutions / network[what]
    return counts


def _trial(place: PlacedJob, job: Trial, record: Record | None) -> dict[str, Any]:
    factors = vars(job.model) | vars(job.recipe)
    row: dict[str, Any] = {"study": place.study, "arm": place.arm, "pair": place.seed, "seed": job.seed}
    row |= {"identity": identity(job), "status": record["status"] if record else "not run"}
    row |= {name: ", ".join(level) if isinstance(level, tuple) else level for name, level in factors.items()}
    if record:
        network = record.get("network", {})
        row |= {"parameters": network.get("parameters"), "macs": network.get("macs")}
        row |= {"seconds": record["ended"] - record["started"]}
        row |= finals(record) if record["status"] == "finished" else {}
    return row
