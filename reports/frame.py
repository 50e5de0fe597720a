"""Records as tidy tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from ablations.study import Placed
from bench.records import finals
from bench.spec import Count, Trial, identity

STEPS = "speed/steps_to_train_error_25"


class Observation(NamedTuple):
    """A number that was measured. pair: what it is paired by, a seed or a round. censored: the true one is larger."""

    study: str
    arm: str
    pair: int
    metric: str
    value: float
    censored: bool = False
    fit: bool = True
    identity: str = ""


def observations(placed: Iterable[Placed], records: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """One row an observation, with the fields of Observation. Only finished jobs give any."""
    rows = [
        Observation(place.study, arm, pair, metric, value, censored, record.get("fit", True), record["identity"])
        for place, record in _with_record(placed, records)
        if record["status"] == "finished"
        for arm, pair, metric, value, censored in _measured(place, record)
    ]
    types = {"pair": int, "value": float, "censored": bool, "fit": bool}
    return pd.DataFrame(rows, columns=list(Observation._fields)).astype(types)


def trials(placed: Iterable[Placed], records: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """One row a trial, whatever became of it: status is 'finished', 'diverged' or 'not run'.

    pair: the study's seed. seed: the trial's own, which differs from it in the A/A arm alone.
    Only finished trials have metrics, so that a mean over a column never mixes in a trial that was cut short.
    """
    return pd.DataFrame(
        [_trial(place, place.job, records.get(identity(place.job))) for place in placed if isinstance(place.job, Trial)]
    )


def curves(placed: Iterable[Placed], records: Mapping[str, dict[str, Any]]) -> pd.DataFrame:
    """One row a metric and step of a trial, those that diverged included."""
    rows = [
        (place.study, place.arm, place.seed, point["step"], point["epoch"], metric, value)
        for place, record in _with_record(placed, records)
        for point in record.get("points", ())
        for metric, value in point["metrics"].items()
    ]
    return pd.DataFrame(rows, columns=["study", "arm", "pair", "step", "epoch", "metric", "value"])


def _with_record(placed: Iterable[Placed], records: Mapping[str, Any]) -> Iterator[tuple[Placed, dict[str, Any]]]:
    for place in placed:
        if record := records.get(identity(place.job)):
            yield place, record


def _measured(place: Placed, record: dict[str, Any]) -> Iterator[tuple[str, int, str, float, bool]]:
    """Arm, pair, metric, value, censored. The pair is the study's seed: the A/A arm's own seeds lie elsewhere."""
    if isinstance(place.job, Trial):
        metrics = finals(record)
        for metric, value in metrics.items():
            yield place.arm, place.seed or 0, metric, value, False
        if STEPS not in metrics:
            yield place.arm, place.seed or 0, STEPS, record["points"][-1]["step"], True
    elif isinstance(place.job, Count):
        for metric, value in _counted(record["network"]).items():
            yield place.arm, 0, metric, value, False
    else:
        for sample in record["samples"]:
            yield sample["arm"], sample["pair"], sample["metric"], sample["value"], False


def _counted(network: dict[str, Any]) -> dict[str, float]:
    counts: dict[str, float] = {}
    for what in ("parameters", "macs"):
        counts[f"{what}/total"] = network[what]
        for layer in network["layers"]:
            place = f"{what}/{layer['name'].rstrip('ab')}"  # a pair, conv2a and conv2b, stands for conv2
            counts[place] = counts.get(place, 0) + layer[what]
        convolutions = sum(layer[what] for layer in network["layers"] if layer["kind"] == "conv")
        counts[f"{what}/conv_share"] = convolutions / network[what]
    return counts


def _trial(place: Placed, job: Trial, record: dict[str, Any] | None) -> dict[str, Any]:
    factors = dataclasses.asdict(job.model) | dataclasses.asdict(job.recipe)
    row: dict[str, Any] = {"study": place.study, "arm": place.arm, "pair": place.seed, "seed": job.seed}
    row |= {"identity": identity(job), "status": record["status"] if record else "not run"}
    row |= {name: ", ".join(level) if isinstance(level, tuple) else level for name, level in factors.items()}
    if record:
        network = record.get("network", {})
        row |= {"parameters": network.get("parameters"), "macs": network.get("macs")}
        row |= {"seconds": record["ended"] - record["started"]}
        row |= finals(record) if record["status"] == "finished" else {}
    return row
