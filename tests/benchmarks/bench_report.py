"""The report of all studies: its size, and the time that it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fabricate
import numpy as np
from fabricated import DATA, make_record

from ablations import Setting, Study
from ablations.framework.discovery import find_studies
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.tuning import tune
from ablations.framework.waves import PlacedJob
from bench.records import store
from bench.spec.jobs import Probe, Trial
from reports.report import report_files, write_report

SEEDS = 10  # of every arm, those of robustness checks included: as many as `standard` takes at most, but for looks


def place_missing(out: Path, studies: Sequence[Study], setting: Setting) -> Iterator[tuple[Study, PlacedJob]]:
    """Yield the jobs without a record: tuning's first, then those of the arms with the levels that it has chosen."""
    for study in studies:
        tuned = tune(study, setting, lambda trial: store.read(out, trial))
        tuned_setting = setting._replace(tuned_levels={study.name: tuned.tuned_levels})
        for place in (*tuned.trials, *expand_study(study, tuned_setting)):
            if not store.path(out, place.job).exists():
                yield study, place


def fill(out: Path, studies: Sequence[Study], setting: Setting) -> None:
    """Write a record for every job."""
    draw = np.random.default_rng(0)
    while missing := list(place_missing(out, studies, setting)):
        for study, place in missing:
            store.write(out, fabricate_record(study, place, draw))


def fabricate_record(study: Study, place: PlacedJob, draw: np.random.Generator) -> dict[str, Any]:
    """Make a trial's record with all metrics that a claim of its study speaks of, or another job's."""
    if isinstance(place.job, Trial):
        record = make_record(place, draw)
        metrics = record["points"][-1]["metrics"]
        claimed = {part.metric for claim in study.claims for part in claim.parts} - set(metrics)
        metrics |= {metric: draw.uniform(0.3, 0.8) for metric in sorted(claimed)}
        return record
    record = fabricate.record(study, place)
    if isinstance(place.job, Probe) and place.job.question == "activity":
        record["samples"] = [sample | {"metric": "activity/above/0.5"} for sample in record["samples"]]
    return record


def time_report(out: Path, names: Sequence[str], setting: Setting) -> float:
    """Return the seconds that the report takes, without imports."""
    studies = find_studies(names)
    start = time.perf_counter()
    write_report(out, studies, setting)
    return time.perf_counter() - start


def test_the_report_of_all_studies_is_one_file_of_limited_size(figure, short, tmp_path):
    names = ["relu", "dropout"] if short else []
    setting = Setting(PROFILES["standard"], DATA, seeds=2 if short else SEEDS)
    fill(tmp_path, find_studies(names), setting)
    seconds = []
    for _ in range(1 if short else 3):  # in processes of their own, because typst remembers what it has laid out
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            seconds.append(pool.submit(time_report, tmp_path, names, setting).result())
    records = len(list(store.folder(tmp_path).glob("*.json")))
    size_mb = report_files(tmp_path)[0].stat().st_size / 1e6
    figure(f"report of all studies at `standard`, {records:,} records", seconds, 20, is_upper_limit=True, unit="s")
    figure("its report.html", [size_mb] * len(seconds), 3, is_upper_limit=True, unit="MB")
