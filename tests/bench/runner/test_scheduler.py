import errno
import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from pebble import ProcessPool
from running import half_written, run

from bench.records import store
from bench.runner import worker
from bench.runner.pending import find_missing_jobs
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Timing, Trial, identity
from commands.doctor import advise

SMALL = ModelConfig("document", width=1 / 16, dropout=0.5)
BRIEF = TrainConfig(epochs=2, share=0.2, augmentation="both")
CLOCKS = ("speed/images_per_second", "speed/step_ms_p50", "speed/step_ms_p95", "memory/peak_mb")


def measured(record):
    """Return the record without fields that depend on the clock and the machine."""
    clocks = ("started", "ended", "environment", "raw", "fit", "why_unfit", "checksum")
    fields = {k: v for k, v in record.items() if k not in clocks}
    fields["points"] = [
        {
            "step": point["step"],
            "epoch": point["epoch"],
            "metrics": {name: v for name, v in point["metrics"].items() if name not in CLOCKS},
        }
        for point in record.get("points", [])
    ]
    if record["kind"] == "timing":
        fields["samples"] = [{**sample, "value": sample["value"] > 0} for sample in record["samples"]]
    return fields


def all_measured(out):
    return {record["identity"]: measured(record) for record in store.read_all(out)}


@pytest.fixture(scope="module")
def single_worker_out(ran, tmp_path_factory):
    """The jobs of `ran`, run by one worker."""
    out = tmp_path_factory.mktemp("alone")
    return ran._replace(out=out, events=list(run(ran.jobs, ran.source, out, workers=1)))


def test_every_kind_of_job_ends_with_a_record(ran):
    assert {record["kind"] for record in store.read_all(ran.out)} == {"trial", "count", "probe", "timing"}
    assert {record["identity"] for record in store.read_all(ran.out)} == {identity(job) for job in ran.jobs}
    assert all(record["status"] == "finished" for record in store.read_all(ran.out))


def test_one_worker_and_two_give_the_same_records_and_weights(ran, single_worker_out):
    assert all_measured(single_worker_out.out) == all_measured(ran.out)
    weights_files = sorted(file.name for file in store.folder(ran.out).glob("*.safetensors"))
    assert weights_files == sorted(file.name for file in store.folder(single_worker_out.out).glob("*.safetensors"))
    for name in weights_files:
        assert (store.folder(ran.out) / name).read_bytes() == (store.folder(single_worker_out.out) / name).read_bytes()


def test_each_job_has_events_from_start_to_record(ran):
    for job in ran.jobs:
        first, *points, last = [event for event in ran.events if event.job == job]
        assert first.kind == "started"
        assert last.kind == "done" and last.record["identity"] == identity(job)
        assert all(event.kind == "point" for event in points)


def test_timings_run_last_and_by_themselves(ran):
    started = {job: n for n, event in enumerate(ran.events) if event.kind == "started" for job in [event.job]}
    ended = {job: n for n, event in enumerate(ran.events) if event.kind == "done" for job in [event.job]}
    (timing,) = (job for job in ran.jobs if isinstance(job, Timing))
    assert all(ended[job] < started[timing] for job in ran.jobs if job != timing)


def test_a_worker_computes_with_one_thread(ran):
    assert [record["environment"]["threads"] for record in store.read_all(ran.out)] == [1] * len(ran.jobs)


def test_weights_are_kept_of_seed_0_and_of_probed_trials_alone(ran):
    trials = [job for job in ran.jobs if isinstance(job, Trial)]
    probed = {trial for job in ran.jobs if isinstance(job, Probe) for trial in job.trials}
    kept_trials = {trial for trial in trials if store.weights_file(ran.out, trial).exists()}
    assert kept_trials == {trial for trial in trials if trial.seed == 0 or trial in probed}
    assert len(kept_trials) == 3


def test_nothing_but_records_and_weights_is_left(ran):
    assert {file.suffix for file in store.folder(ran.out).iterdir()} == {".json", ".safetensors"}


def test_jobs_that_have_a_record_are_skipped(ran):
    before = {file: file.stat().st_mtime_ns for file in store.folder(ran.out).iterdir()}
    jobs = [job for job in ran.jobs if not isinstance(job, Timing)]  # on a busy machine the timing may be unfit
    assert find_missing_jobs(jobs, ran.out) == []
    assert list(run(jobs, ran.source, ran.out, workers=2)) == []
    assert {file: file.stat().st_mtime_ns for file in store.folder(ran.out).iterdir()} == before


def test_a_job_that_is_requested_twice_is_missing_once(ran, tmp_path):
    assert len(find_missing_jobs([*ran.jobs, *ran.jobs], tmp_path)) == len(ran.jobs)


def test_nothing_starts_after_the_deadline(ran, tmp_path):
    assert list(run(ran.jobs, ran.source, tmp_path, workers=2, deadline=time.time() - 1)) == []
    assert store.read_all(tmp_path) == []


def test_jobs_run_as_declared_and_the_last_few_longest_first(digits, tmp_path):
    jobs = [Trial(SMALL, BRIEF, digits.data, seed) for seed in (1, 4, 2, 3)]
    events = run(jobs, digits, tmp_path, workers=1, expected_s=lambda job: job.seed)
    assert [event.job.seed for event in events if event.kind == "started"] == [1, 4, 3, 2]


def test_points_of_a_job_follow_its_start_even_for_a_slow_consumer(digits, tmp_path):
    jobs, started = [Trial(SMALL, BRIEF, digits.data, seed) for seed in range(5)], set()
    for event in run(jobs, digits, tmp_path, workers=2):
        if event.kind == "started":
            started.add(event.job)
        assert event.job in started
        time.sleep(0.2)


def test_a_run_leaves_the_environment_as_it_was(ran, tmp_path):
    before = dict(os.environ)
    list(run([Count(SMALL)], ran.source, tmp_path, workers=1))
    assert dict(os.environ) == before


def test_a_worker_does_not_wait_for_a_slow_consumer(digits, tmp_path):
    jobs = [Trial(SMALL, BRIEF, digits.data, seed) for seed in (0, 1)]
    patience = 2.0
    for event in run(jobs, digits, tmp_path, workers=1):
        if event.kind == "done":
            time.sleep(patience)
    first, second = (store.read(tmp_path, job) for job in jobs)
    assert 0 <= second["started"] - first["ended"] < patience / 2


def test_a_job_that_raises_has_a_record_with_the_reason_and_other_jobs_continue(digits, tmp_path):
    impossible = Trial(ModelConfig(layout="ungrouped", width=0.02), BRIEF, digits.data, 0)  # its images are too small
    good_jobs = [Count(SMALL), Count(replace(SMALL, activation="tanh"))]
    events = list(run([impossible, *good_jobs], digits, tmp_path, workers=1))
    (failed,) = (event for event in events if event.kind == "failed")
    assert failed.job == impossible
    assert failed.record == store.read(tmp_path, impossible)
    assert failed.record["status"] == "failed"
    assert failed.record["reason"].startswith("RuntimeError: Given input size")
    assert "\n" not in failed.record["reason"]
    assert "Traceback" in failed.record["log"] and "in forward" in failed.record["log"]
    assert {event.job for event in events if event.kind == "done"} == set(good_jobs)


def test_what_failed_is_run_again_on_request_alone(digits, tmp_path):
    impossible = Trial(ModelConfig(layout="ungrouped", width=0.02), BRIEF, digits.data, 0)
    jobs = [impossible, Count(SMALL)]
    list(run(jobs, digits, tmp_path, workers=1))
    assert find_missing_jobs(jobs, tmp_path) == []
    assert find_missing_jobs(jobs, tmp_path, retry_failed=True) == [impossible]
    later = list(run(jobs, digits, tmp_path, workers=1, retry_failed=True))
    assert [(event.kind, event.job) for event in later] == [("started", impossible), ("failed", impossible)]


def test_a_later_success_replaces_everything_of_a_failure(ran, tmp_path):
    trial = next(job for job in ran.jobs if isinstance(job, Trial))
    store.write(tmp_path, store.new_record(trial) | store.failure_fields("died", "the power was cut", "log"))
    list(run([trial], ran.source, tmp_path, workers=1, retry_failed=True))
    assert measured(store.read(tmp_path, trial)) == measured(store.read(ran.out, trial)) | {"reason": ""}


def test_a_run_first_removes_what_killed_processes_left(ran, tmp_path):
    with subprocess.Popen(["true"]) as process:
        process.wait()
    half = half_written(store.path(tmp_path, "0" * 16), process.pid)
    half.parent.mkdir()
    half.write_text("{")
    assert list(run([], ran.source, tmp_path, workers=1)) == []
    assert not half.exists()


def workers_of(parent):
    return [worker for server in children(parent) for worker in children(server)]


LONG = TrainConfig(epochs=400, share=0.2)


def test_repeated_deaths_of_a_worker_make_its_job_a_failure(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.runner.worker_failures.MAX_DEATHS", 1)
    job, deaths, last = Trial(SMALL, replace(LONG, epochs=100_000), digits.data, 0), 0, None
    for last in run([job], digits, tmp_path, workers=1):
        if last.kind == "started":
            wait_until(lambda: workers_of(os.getpid()), 10)
            time.sleep(0.5)
            os.kill(workers_of(os.getpid())[-1], signal.SIGKILL)
            deaths += 1
    assert deaths == 2
    assert (last.kind, last.record["status"]) == ("failed", "died")
    assert last.record["reason"].startswith("its worker died 2 times")


@pytest.mark.parametrize("victim", ["a worker without a job", "the server of workers"])
def test_where_the_pool_breaks_another_one_goes_on(digits, tmp_path, victim):
    """Pebble gives up when a worker dies while no job runs, and when it cannot fork another."""
    jobs = [Count(replace(SMALL, width=1 / n)) for n in (16, 8, 4)]
    for event in run(jobs, digits, tmp_path, workers=1):
        if event.kind == "done" and event.job == jobs[0]:
            wait_until(lambda: store.path(tmp_path, jobs[1]).exists(), 60)
            time.sleep(0.3)
            (worker,) = workers_of(os.getpid())
            server = next(child for child in children(os.getpid()) if worker in children(child))
            os.kill(server if victim == "the server of workers" else worker, signal.SIGKILL)
            wait_until(lambda worker=worker: not alive(worker), 10)
            time.sleep(0.5)
    assert {record["status"] for record in store.read_all(tmp_path)} == {"finished"}
    assert len(store.read_all(tmp_path)) == len(jobs)


def test_workers_that_die_as_they_start_end_the_run_with_a_message(digits, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise BrokenProcessPool

    monkeypatch.setattr("bench.runner.backends.local.ProcessPool.schedule", broken)
    with pytest.raises(InputError, match="workers die as they start"):
        list(run([Count(SMALL)], digits, tmp_path, workers=1))


def test_a_worker_that_hangs_is_killed_and_its_job_a_failure(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.records.heartbeat.HUNG_AFTER_S", 2.0)
    job, other = Trial(SMALL, LONG, digits.data, 0), Count(SMALL)
    for event in run([job, other], digits, tmp_path, workers=1):
        if event.kind == "point" and event.point["step"] == 0:
            os.kill(workers_of(os.getpid())[-1], signal.SIGSTOP)
    assert store.read(tmp_path, job)["status"] == "hung"
    assert store.read(tmp_path, other)["status"] == "finished"


def test_a_job_that_takes_too_long_is_a_failure(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.runner.worker_failures.MAX_JOB_S", 1.0)
    job = Trial(SMALL, replace(LONG, epochs=100_000), digits.data, 0)
    *_, last = run([job], digits, tmp_path, workers=1)
    assert (last.kind, last.record["status"]) == ("failed", "timed out")


def test_a_job_that_another_run_is_at_is_left_to_it(digits, tmp_path):
    job, other = Trial(SMALL, BRIEF, digits.data, 0), Count(SMALL)
    store.folder(tmp_path).mkdir(parents=True)
    lock = FileLock(store.lock_file(tmp_path, job))
    lock.acquire()
    events = []
    for event in run([job, other], digits, tmp_path, workers=1):
        events.append((event.kind, event.job))
        if events.count(("elsewhere", job)) == 2:
            lock.release()
    assert events.count(("elsewhere", job)) >= 2
    assert events[-1] == ("done", job)
    assert ("done", other) in events[: events.index(("elsewhere", job)) + 4]


def test_a_job_that_another_run_finished_meanwhile_is_not_run_again(ran, tmp_path):
    trial = next(job for job in ran.jobs if isinstance(job, Trial))
    theirs = store.read(ran.out, trial)
    store.write(tmp_path, theirs)
    assert worker.perform(Task(trial, ran.source, tmp_path, keep_weights=False)) == "finished"
    assert store.read(tmp_path, trial) == theirs


def test_a_job_whose_record_came_before_its_turn_is_not_run_again(ran, tmp_path):
    first, second, *_ = (job for job in ran.jobs if isinstance(job, Trial))
    theirs = store.read(ran.out, second)
    for event in run([first, second], ran.source, tmp_path, workers=1):
        if (event.kind, event.job) == ("started", first):  # once: a copy that is half done is damaged weights
            shutil.copy(store.weights_file(ran.out, second), store.weights_file(tmp_path, second))
            store.write(tmp_path, theirs)
    assert (event.kind, event.job) == ("done", second)
    assert store.read(tmp_path, second) == theirs


def test_a_job_whose_imported_record_lacks_needed_weights_is_run_again(ran, tmp_path):
    first, second, *_ = (job for job in ran.jobs if isinstance(job, Trial))
    theirs = store.read(ran.out, second)
    for event in run([first, second], ran.source, tmp_path, workers=1):
        if event.job == first:
            store.write(tmp_path, theirs)
    assert store.weights_file(tmp_path, second).exists()
    assert store.read(tmp_path, second)["started"] > theirs["started"]


def test_a_probe_of_a_trial_that_failed_waits_until_it_succeeds(ran, tmp_path):
    trial = next(job for job in ran.jobs if isinstance(job, Trial))
    probe = Probe("sub-networks", (trial,))
    store.write(tmp_path, store.new_record(trial) | store.failure_fields("died", "its worker died"))
    assert list(run([trial, probe], ran.source, tmp_path, workers=1)) == []
    assert not store.path(tmp_path, probe).exists()
    list(run([trial, probe], ran.source, tmp_path, workers=1, retry_failed=True))
    assert store.read(tmp_path, probe)["samples"]


def test_leftovers_of_an_earlier_run_do_not_make_a_trial_fail(digits, tmp_path):
    job = Trial(SMALL, BRIEF, digits.data, 0)
    store.folder(tmp_path).mkdir(parents=True)
    store.part_file(tmp_path, job).write_bytes(b'\0\0\0{"x"\n\xff\n')
    os.utime(store.part_file(tmp_path, job), (0, 0))
    events = list(run([job], digits, tmp_path, workers=1))
    assert (events[-1].kind, events[-1].record["status"]) == ("done", "finished")


def test_a_probe_whose_trials_kept_no_weights_gets_them_and_the_same_record(ran, tmp_path):
    trial = next(job for job in ran.jobs if isinstance(job, Trial))
    earlier = store.read(ran.out, trial) | {"tags": {"profiles": ["smoke"], "studies": {"relu": ["relu"]}}}
    store.write(tmp_path, earlier)
    assert find_missing_jobs([trial], tmp_path) == []
    probe = Probe("sub-networks", (trial,))
    done_jobs = [event.job for event in run([trial, probe], ran.source, tmp_path, workers=1) if event.kind == "done"]
    assert done_jobs == [trial, probe]
    later = store.read(tmp_path, trial)
    assert later["tags"] == earlier["tags"]
    assert store.final_metrics(later)["test/accuracy"] == store.final_metrics(earlier)["test/accuracy"]
    assert find_missing_jobs([trial, probe], tmp_path) == []


def test_a_probe_answers_for_the_trials_that_did_not_diverge(ran, tmp_path):
    good_trial = next(job for job in ran.jobs if isinstance(job, Trial))
    bad_trial = Trial(replace(SMALL, extra=20), replace(BRIEF, learning_rate=100.0), ran.source.data, 0)
    probe = Probe("sub-networks", (bad_trial, good_trial))
    list(run([bad_trial, good_trial, probe], ran.source, tmp_path, workers=2))
    assert store.read(tmp_path, bad_trial)["status"] == "diverged"
    assert {sample["pair"] for sample in store.read(tmp_path, probe)["samples"]} == {1}


def test_a_timing_that_was_unfit_is_timed_again_and_a_fit_one_is_not(ran, tmp_path):
    timing = next(job for job in ran.jobs if isinstance(job, Timing))
    record = store.read(ran.out, timing)
    store.write(tmp_path, record | {"fit": False})
    assert find_missing_jobs([timing], tmp_path) == [timing]
    store.write(tmp_path, record | {"fit": True})
    assert find_missing_jobs([timing], tmp_path) == []


@pytest.mark.parametrize("number, advice", [(errno.EACCES, "allow writing"), (errno.ENOSPC, "make room")])
def test_an_unwritable_folder_ends_the_run_with_advice(digits, tmp_path, monkeypatch, number, advice):
    failed = Future()
    failed.set_exception(OSError(number, os.strerror(number), "out/trials"))
    monkeypatch.setattr(ProcessPool, "schedule", lambda *_, **__: failed)
    with pytest.raises(OSError, match="'out/trials'") as raised:
        list(run([Count(SMALL)], digits, tmp_path, workers=1))
    assert advice in advise(raised.value)


def test_a_killed_worker_is_replaced_and_nothing_is_lost(digits, tmp_path):
    long = [Trial(SMALL, TrainConfig(epochs=40, share=0.2), digits.data, seed) for seed in (0, 1)]
    jobs = [*long, Count(SMALL), Trial(SMALL, BRIEF, digits.data, 2)]
    events, jobs_with_points, killed = [], set(), False
    for event in run(jobs, digits, tmp_path, workers=2):
        events.append(event)
        if event.kind == "point":
            jobs_with_points.add(event.job)
        if not killed and jobs_with_points == set(long):
            os.kill(workers_of(os.getpid())[-1], signal.SIGKILL)
            killed = True
    assert killed
    assert {event.job for event in events if event.kind == "done"} == set(jobs)
    assert len([event for event in events if event.kind == "started"]) == len(jobs) + 1
    assert find_missing_jobs(jobs, tmp_path) == []
    assert {file.suffix for file in store.folder(tmp_path).iterdir()} == {".json", ".safetensors"}


LONG_STUDY = """
from ablations import Study

ARMS = {name: {"activation": name} for name in ("relu", "tanh", "sigmoid")}
STUDY = Study(question="?", claims=(), base={"epochs": 20}, arms=ARMS)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds the workers in /proc")
def test_killing_the_command_ends_its_workers_and_the_next_run_continues(command, environment, tmp_path):
    (tmp_path / "long.py").write_text(LONG_STUDY)
    command = [*command, "run", "long.py", "--profile", "smoke", "--data", "digits", "--device", "cpu", "--seeds", "1"]
    out = tmp_path / "out"
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: store.read_all(out), 300)
        workers = [worker for server in children(process.pid) for worker in children(server)]
        os.kill(process.pid, signal.SIGKILL)
    assert len(workers) >= 2
    wait_until(lambda: not any(map(alive, workers)), 30)
    finished = {record["identity"]: (record["started"], record["points"]) for record in store.read_all(out)}
    assert 1 <= len(finished) < 3

    later = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert later.returncode == 0, later.stderr
    records = {record["identity"]: record for record in store.read_all(out)}
    assert len(records) == 3
    assert {name: (records[name]["started"], records[name]["points"]) for name in finished} == finished
    assert not list(store.folder(out).glob("*.part"))


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} seconds"
        time.sleep(0.05)


def children(parent):
    """The child processes of a process, from its threads' lists."""
    lists = (file.read_text().split() for file in Path(f"/proc/{parent}/task").glob("*/children"))
    return [int(child) for pids in lists for child in pids]


def alive(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_record_is_strict_json(ran):
    def refuse(name):
        raise AssertionError(name)

    for file in store.folder(ran.out).glob("*.json"):
        json.loads(file.read_text(), parse_constant=refuse)
