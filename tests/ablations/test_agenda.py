"""The agenda and the remaining time of a whole run with tuning, in a simulation that has a clock of its own."""

import heapq
import json
from itertools import count, cycle
from pathlib import Path

import numpy as np
import pytest

from ablations import Setting
from ablations.framework import discovery
from ablations.framework.agenda import Agenda
from ablations.framework.profiles import DIGITS, PROFILES
from ablations.framework.request import Request
from ablations.framework.study import all_arms
from bench.data.source import Source
from bench.records import store
from bench.runner import pending
from bench.runner.estimate import DurationModel
from bench.spec.config import DataConfig
from bench.spec.jobs import Count, Probe, Timing, Trial, describe, identity, job_kind
from commands.run import _follow_up

WORKERS, VALIDATION, TEST = 2, 140, 355
DATA = DataConfig("0123456789abcdef", classes=10, train=1_302, chance=0.1, name=DIGITS)
# Seconds and images per second of the jobs of a run of these studies on digits, profile quick, two cores
TIMES = json.loads((Path(__file__).parent / "job_times.json").read_text())
STAGES = ((Trial, Count), (Probe,), (Timing,))
BEST_RATES = {"relu": 0.001, "tanh": 0.0005, "sigmoid": 0.016}  # the last two extend the grid


@pytest.fixture
def agenda(tmp_path, monkeypatch):
    monkeypatch.setattr(pending.weights, "are_lacking", lambda out, trial: False)  # this simulation stores none
    source = Source(DATA, tmp_path, (), VALIDATION, TEST, 0, "")
    studies = discovery.find_studies(["relu", "dropout", "lrn"])
    return Agenda(Request(("relu", "dropout", "lrn"), studies, Setting(PROFILES["quick"], DATA), source), tmp_path)


def finish(out, job, start, end, images_per_second):
    """Write a record with what tuning, the agenda and the model of durations read."""
    record = {"identity": identity(job), "kind": job_kind(job), "status": "finished", "job": describe(job)}
    record |= {"started": start, "ended": end, "environment": {}, "fit": True}
    if isinstance(job, Trial):
        accuracy = 1 - abs(np.log(job.recipe.learning_rate / BEST_RATES[job.model.activation])) / 10
        metrics = {"validation/accuracy": accuracy, "speed/images_per_second": images_per_second}
        record |= {"points": [{"metrics": metrics}]}
        record |= {"data": {"train": DATA.train, "validation": VALIDATION, "test": TEST}}
    store.path(out, job).write_text(json.dumps(record))
    return record


def simulate(agenda):
    """Perform the agenda's jobs by two workers; yield the time, the record and the running jobs after each job."""
    store.folder(agenda.out).mkdir()
    now, running, numbers, started_jobs = 0.0, [], count(), set()
    times = {key: cycle(values) for key, values in TIMES.items()}
    for kinds in STAGES:
        while True:
            waiting = (job for job in agenda.missing_jobs if isinstance(job, kinds) and job not in started_jobs)
            while len(running) < (1 if kinds == (Timing,) else WORKERS) and (job := next(waiting, None)) is not None:
                started_jobs.add(job)
                seconds, *speed = next(times[key_of(job)])
                heapq.heappush(running, (now + seconds, next(numbers), now, job, *speed))
            if not running:
                break
            now, _, start, job, *speed = heapq.heappop(running)
            record = finish(agenda.out, job, start, now, *(speed or [0]))
            agenda.end(job)
            yield now, record, {job: now - start for _, _, start, job, *_ in running}


def key_of(job):
    if not isinstance(job, Trial):
        subject = getattr(job, "subject", None) or getattr(job, "question", "")
        return f"{job_kind(job)} {subject}".strip()
    model, recipe = job.model, job.recipe
    factors = model.layout, model.activation, model.normalisation, f"{model.dropout:g}"
    return " ".join(map(str, (*factors, recipe.augmentation, recipe.epochs)))


def test_the_time_left_is_right_to_a_fifth_once_a_tenth_is_done(agenda):
    durations = DurationModel(VALIDATION, TEST)
    predictions, totals, left_jobs = [], [agenda.total], [len(agenda.expected_jobs)]
    for now, record, elapsed_s in simulate(agenda):
        durations.learn(record)
        predictions.append((now, durations.remaining_s(agenda.expected_jobs, WORKERS, elapsed_s)))
        totals.append(agenda.total)
        left_jobs.append(len(agenda.expected_jobs))
    end = now
    later = [(now, left) for now, left in predictions if now >= 0.1 * end]
    assert all(left == pytest.approx(end - now, rel=0.2, abs=0.02 * end) for now, left in later)
    assert agenda.expected_jobs == {}
    assert max(totals) <= 1.1 * totals[0]  # only a grid that tuning extends adds jobs
    done = [total - left for total, left in zip(totals, left_jobs, strict=True)]
    assert done == sorted(done) and done[-1] == totals[-1]


def test_interrupted_runs_have_whole_pairs_of_every_study(agenda):
    """When seed 1 of an arm has ended, no arm that needs no tuning lacks seed 0, and every study has compared arms."""
    for _, record, _ in simulate(agenda):
        if record["kind"] == "trial" and record["job"]["seed"] == 1:
            break
    arms = {}
    for place in agenda.request.placed_jobs():
        if place.seed == 0 and isinstance(place.job, Trial) and store.path(agenda.out, place.job).exists():
            arms.setdefault(place.study, []).append(place.arm)
    dropout = next(study for study in agenda.request.studies if study.name == "dropout")
    assert set(arms["dropout"]) == all_arms(dropout).keys()
    assert {"relu", "tanh"} <= set(arms["relu"]) and {"none", "LRN"} <= set(arms["lrn"])


def test_within_a_seed_the_arms_that_claims_compare_come_first(agenda):
    """No claim compares p = 0.3 and 0.7; the controls come last with them."""
    trials = [p for p in agenda.request.placed_jobs() if p.study == "dropout" and isinstance(p.job, Trial)]
    assert [place.seed for place in trials] == sorted(place.seed for place in trials)
    arms = [place.arm for place in trials if place.seed == 2]
    compared = [arm for arm in arms if arm.startswith(("p = 0.5", "p = 0,")) or arm == "p = 0"]
    assert arms[: len(compared)] == compared and len(compared) == 8
    assert set(arms[len(compared) :]) == {"p = 0.3", "p = 0.7", "again", "shuffled labels"} | {
        f"p = {p}, no augmentation" for p in (0.3, 0.7)
    }


def test_a_tuning_trial_that_failed_counts_with_its_record_after_a_retry(agenda):
    """Without its failures an arm gets the best level, and tuning's trials are retried before other jobs."""
    store.folder(agenda.out).mkdir()
    tuning_trials = [place.job for place in agenda.request.tuning_trials if place.study == "relu"]
    for trial in tuning_trials:
        record = finish(agenda.out, trial, 0.0, 1.0, 8_000)
        if trial.recipe.learning_rate == BEST_RATES["relu"] and trial.model.activation == "relu":
            record |= {"status": "failed", "reason": "x", "log": ""}
            store.path(agenda.out, trial).write_text(json.dumps(record))
    again = Agenda(agenda.request, agenda.out, retry_failed=True)
    retried_trials = [job for job in again.missing_jobs if job in tuning_trials]
    assert {trial.recipe.learning_rate for trial in retried_trials} == {BEST_RATES["relu"]}
    order = [job for job in again.missing_jobs if isinstance(job, Trial)]
    assert max(map(order.index, retried_trials)) < min(map(order.index, (job for job in order if job.seed < 500)))
    for trial in retried_trials:
        finish(agenda.out, trial, 1.0, 2.0, 8_000)
        again.end(trial)
    levels = {p.job.recipe.learning_rate for p in again.request.tuning_trials if p.study == "relu" and is_final(p.job)}
    assert BEST_RATES["relu"] in levels


def is_final(trial):
    return trial.model.activation == "relu" and trial.recipe.epochs == 4


def test_timings_wait_for_the_end_of_a_run_even_if_tuning_changes_the_jobs(agenda):
    store.folder(agenda.out).mkdir()
    follow_ups = []
    for place in agenda.request.tuning_trials:
        finish(agenda.out, place.job, 0.0, 1.0, 8_000)
        follow_ups.append(_follow_up(agenda, place.job))
    jobs = follow_ups[-1]
    assert jobs and not any(isinstance(job, Timing) for job in jobs)
    assert any(isinstance(job, Timing) for job in agenda.missing_jobs)
