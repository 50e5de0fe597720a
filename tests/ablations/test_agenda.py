"""The agenda and the remaining time of a whole run in waves, with tuning, in a simulation with a clock of its own."""

import heapq
import json
import math
from itertools import count, pairwise

import pytest

from ablations import Ask, Claim, Contrast, ModelConfig, Setting, Study, Timing, Tuning
from ablations.framework.agenda import Agenda
from ablations.framework.profiles import DIGITS, PROFILES
from ablations.framework.request import Request
from ablations.framework.seeds import INTERIM_ANALYSES
from ablations.framework.study import AGAIN, SHUFFLED
from ablations.framework.tuning import TUNING_SEEDS
from ablations.framework.waves import CHECKS, FURTHER, NAMED, STATED
from bench.data.source import Source
from bench.records import store
from bench.runner import pending
from bench.runner.estimate import DurationModel
from bench.spec.config import DataConfig
from bench.spec.jobs import Count, Probe, Trial, describe, identity, job_kind

WORKERS, VALIDATION, TEST = 2, 87, 896
DATA = DataConfig("0123456789abcdef", classes=10, train=814, chance=0.1, name=DIGITS)
STAGES = ((Trial, Count), (Probe,), (Timing,))
BEST_RATES = {"relu": 0.001, "sigmoid": 0.016}  # the latter extends the grid
# Seconds of single jobs over their median, of a run on two cores; one in thirty takes far longer
NOISE = (0.95, 1.0, 1.03, 0.98, 1.1, 0.93, 1.0, 1.05, 0.97, 1.02, 0.9, 1.4, 1.01, 0.99, 1.06)
FIRST, *_, LAST = INTERIM_ANALYSES
EPOCHS = PROFILES["quick"].epochs(ModelConfig.layout, DATA)
DECIDED: dict[str, dict[str, int]] = {}


def contrast(arm, reference, metric="test/accuracy"):
    return Contrast(metric, arm, reference, margin=0.5)


NAMED_STUDY = Study(
    "?",
    claims=(Claim("named", "A sentence", (contrast("half", "none"),), beyond={"less": contrast("less", "none")}),),
    arms={"none": {}, "half": {"dropout": 0.5}, "less": {"dropout": 0.3}},
    name="dropout",
)
TIMED_ARMS = (("none", ModelConfig(width=3 / 16)), ("half", ModelConfig(width=3 / 16, dropout=0.5)))
OTHER_STUDY = Study(
    "?",
    claims=(
        Claim("other", "A sentence", (contrast("fewer", "none"),)),
        Claim("probed", "A sentence", (contrast("fewer", "none", "activity/above/0.5"),), kind="literature"),
    ),
    arms={"none": {}, "fewer": {"without": ("conv3",)}},
    timings=lambda setting: (Timing("steps", TIMED_ARMS, (128,), 5),),
    probes=(Ask("activity", ("none",)), Ask("activity", ("fewer",))),
    name="other",
)
TUNED_STUDY = Study(
    "?",
    claims=(
        Claim(
            "tuned",
            "A sentence",
            (contrast("relu", "sigmoid"),),
            beyond={"own rate": contrast("relu, own rate", "sigmoid")},
        ),
    ),
    arms={"relu": {}, "sigmoid": {"activation": "sigmoid"}, "relu, own rate": {}},
    tuning=Tuning("learning_rate", (0.0005, 0.001, 0.002, 0.004), ("sigmoid", "relu, own rate")),
    name="tuned",
)
STUDIES = [OTHER_STUDY, TUNED_STUDY, NAMED_STUDY]


@pytest.fixture
def agenda(tmp_path, monkeypatch):
    monkeypatch.setattr(pending.weights, "are_lacking", lambda out, trial: False)  # this simulation stores none
    source = Source(DATA, tmp_path, (), VALIDATION, TEST, 0, "")
    store.folder(tmp_path).mkdir()
    return Agenda(Request((), STUDIES, Setting(PROFILES["quick"], DATA), source), tmp_path)


def finish(out, job, start, end, images_per_second=8_000.0, **fields):
    """Write a record with what tuning, the agenda and the model of durations read."""
    record = {"identity": identity(job), "kind": job_kind(job), "status": "finished", "job": describe(job)}
    record |= {"started": start, "ended": end, "environment": {}, "fit": True}
    if isinstance(job, Trial):
        accuracy = 1 - abs(math.log(job.recipe.learning_rate / BEST_RATES[job.model.activation])) / 10
        metrics = {"validation/accuracy": accuracy, "speed/images_per_second": images_per_second}
        record |= {"points": [{"epoch": job.recipe.epochs, "metrics": metrics}]}
        record |= {"data": {"train": DATA.train, "validation": VALIDATION, "test": TEST}}
    store.path(out, job).write_text(json.dumps(record | fields))
    return record | fields


def cost(job, number):
    """Return the seconds of a job, and a trial's images per second."""
    noise = NOISE[number % len(NOISE)]
    if not isinstance(job, Trial):
        return noise * {"timing": 1.5, "probe": 0.05 * len(getattr(job, "trials", ""))}[job_kind(job)], 0.0
    speed = 8_000 / noise / (1.3 if job.model.activation == "sigmoid" else 1.0)
    return job.recipe.epochs * DATA.train / speed + 0.2 * noise, speed


class Simulation:
    """A run by two workers, with its time in seconds."""

    def __init__(self, agenda):
        self.agenda, self.now, self.numbers = agenda, 0.0, count()

    def perform_wave(self, wave):
        """Perform the wave's jobs; yield the time, the record and the running jobs' seconds after each job."""
        self.agenda.wave, running, started_jobs = wave, [], set()
        for kinds in STAGES:
            while True:
                waiting = (job for job in self.agenda.wave_jobs() if isinstance(job, kinds) and job not in started_jobs)
                workers = 1 if kinds == (Timing,) else WORKERS
                while len(running) < workers and (job := next(waiting, None)) is not None:
                    started_jobs.add(job)
                    number = next(self.numbers)
                    seconds, speed = cost(job, number)
                    heapq.heappush(running, (self.now + seconds, number, self.now, job, speed))
                if not running:
                    break
                self.now, _, start, job, speed = heapq.heappop(running)
                record = finish(self.agenda.out, job, start, self.now, speed)
                self.agenda.end(job)
                yield self.now, record, {job: self.now - start for _, _, start, job, _ in running}

    def perform(self, looks):
        """Perform all waves; `looks` are the seeds that undecided claims request, one look after the other."""
        for wave in (NAMED, STATED, FURTHER):
            yield from self.perform_wave(wave)
        for extra_seeds in looks:
            self.agenda.add_seeds(extra_seeds)
            yield from self.perform_wave(FURTHER)
        yield from self.perform_wave(CHECKS)


def follow(agenda, looks):
    """Return (time, seconds left, whether they are an upper bound) after each job; check the bar on the way."""
    durations, predictions, shares = DurationModel(VALIDATION, TEST), [], []
    for now, record, elapsed_s in Simulation(agenda).perform(looks):
        durations.learn(record)
        left_s = durations.remaining_s(agenda.expected_jobs, WORKERS, elapsed_s)
        predictions.append((now, left_s, agenda.has_open_looks))
        shares.append(1 - len(agenda.expected_jobs) / agenda.total)
    assert agenda.expected_jobs == {} and agenda.wave == CHECKS
    falls = [earlier - later for earlier, later in pairwise(shares)]
    assert max(falls) <= 0.05, "the bar goes back only where tuning extends a grid"
    return predictions


def test_the_time_left_is_an_upper_bound_while_looks_are_open_and_then_right_to_a_fifth(agenda):
    total = agenda.total
    predictions = follow(agenda, [DECIDED])
    end = predictions[-1][0]
    open_looks = [(now, left) for now, left, is_open in predictions if is_open and now >= 0.1 * end]
    closed_looks = [(now, left) for now, left, is_open in predictions if not is_open]
    assert open_looks and all(left >= 0.8 * (end - now) for now, left in open_looks)
    assert closed_looks and all(left == pytest.approx(end - now, rel=0.2, abs=0.02 * end) for now, left in closed_looks)
    assert agenda.total < total


def test_a_run_in_which_no_claim_is_decided_takes_the_time_that_was_foreseen(agenda):
    arms = {"dropout": ("half", "none"), "other": ("fewer", "none"), "tuned": ("relu", "sigmoid")}
    looks = [{study: dict.fromkeys(names, seeds) for study, names in arms.items()} for seeds in INTERIM_ANALYSES[1:]]
    total = agenda.total
    predictions = follow(agenda, [*looks, looks[-1]])
    end = predictions[-1][0]
    later = [(now, left) for now, left, _ in predictions if now >= 0.1 * end]
    assert all(left == pytest.approx(end - now, rel=0.2, abs=0.02 * end) for now, left in later)
    assert total <= agenda.total <= 1.1 * total  # only a grid that tuning extends adds jobs


def test_looks_close_once_no_claim_requests_seeds_or_the_last_ones_are_requested(agenda):
    assert agenda.has_open_looks
    assert agenda.add_seeds({"dropout": {"half": 5, "none": 5}}) and agenda.has_open_looks
    assert not agenda.add_seeds({"dropout": {"half": 5, "none": 5}}) and not agenda.has_open_looks
    assert agenda.add_seeds({"dropout": {"half": LAST, "none": LAST}}) and not agenda.has_open_looks


def test_an_interrupted_run_has_whole_pairs_of_the_wave_and_nothing_of_a_later_one(agenda):
    for _, record, _ in Simulation(agenda).perform_wave(NAMED):
        if record["job"]["seed"] == 1:
            break
    done = {(p.study, p.arm, p.seed) for p in agenda.request.placed_jobs() if store.path(agenda.out, p.job).exists()}
    assert {("dropout", "none", 0), ("dropout", "half", 0)} <= done
    assert {arm for study, arm, _ in done if study == "dropout"} == {"none", "half"}
    assert {arm for study, arm, _ in done if study != "dropout"} <= {"none", "relu"}, "equal baselines are one trial"


def test_within_a_seed_the_arms_that_claims_compare_come_first(agenda):
    trials = [p for p in agenda.request.placed_jobs() if p.study == "dropout" and p.wave == STATED]
    assert {place.arm for place in trials} == {"none", AGAIN, SHUFFLED}
    assert [place.seed for place in trials] == sorted(place.seed for place in trials)
    for seed in range(FIRST, PROFILES["quick"].seeds):
        assert next(place.arm for place in trials if place.seed == seed) == "none"


def test_timings_end_the_second_wave_and_unfit_ones_wait_for_the_end_of_the_run(agenda):
    agenda.wave = STATED
    *_, timing = agenda.wave_jobs()
    assert isinstance(timing, Timing) and agenda.waves[timing] == STATED
    finish(agenda.out, timing, 0.0, 1.0, fit=False)
    assert timing not in agenda.wave_jobs()
    finish(agenda.out, timing, 0.0, 1.0, status="failed")
    assert timing in Agenda(agenda.request, agenda.out, retry_failed=True).missing_jobs


def test_tuning_that_only_a_check_needs_is_no_job_of_the_second_wave(agenda):
    agenda.wave = STATED
    tried = {job.model.activation for job in agenda.wave_jobs() if isinstance(job, Trial) and job.seed in TUNING_SEEDS}
    assert tried == {"sigmoid"}
    agenda.wave = CHECKS
    tried = {job.model.activation for job in agenda.wave_jobs() if isinstance(job, Trial) and job.seed in TUNING_SEEDS}
    assert tried == {"relu", "sigmoid"}


def test_a_tuning_trial_that_failed_counts_with_its_record_after_a_retry(agenda):
    """Without its failures an arm gets the best level, and tuning's trials are retried before other jobs."""
    tuning_trials = [p.job for p in agenda.request.tuning_trials if p.arm.startswith("relu")]
    rates = {trial.recipe.learning_rate for trial in tuning_trials}
    for trial in tuning_trials:
        is_best = trial.recipe.learning_rate == BEST_RATES["relu"]
        finish(agenda.out, trial, 0.0, 1.0, **({"status": "failed", "reason": "x", "log": ""} if is_best else {}))
    assert BEST_RATES["relu"] in rates
    again = Agenda(agenda.request, agenda.out, retry_failed=True)
    again.wave = CHECKS
    retried_trials = [job for job in again.missing_jobs if job in tuning_trials]
    assert {trial.recipe.learning_rate for trial in retried_trials} == {BEST_RATES["relu"]}
    for trial in retried_trials:
        finish(agenda.out, trial, 1.0, 2.0)
        again.end(trial)
    levels = {p.job.recipe.learning_rate for p in again.request.tuning_trials if p.job.recipe.epochs == EPOCHS}
    assert BEST_RATES["relu"] in levels
