"""Worker process: performs a task, from the job to its record on disk."""

import multiprocessing
import os
import signal
import threading
import time
import traceback
from typing import Any

import torch
from filelock import Timeout

from bench.extensions.loading import find_sources, load_components
from bench.models import complexity
from bench.probes.answering import answer_probe
from bench.records import store, validation, weights
from bench.records.folder_guard import guard_folder
from bench.runner.environment import describe_environment
from bench.runner.task import Task
from bench.runner.trial import run_trial
from bench.spec.jobs import Count, Probe, Timing, Trial, job_device
from bench.system import files, locks
from bench.system.process_group import SINGLE, ProcessGroup
from bench.system.process_settings import keep_process_settings
from bench.timing import measurement

NO_MEMORY = ("out of memory", "allocate memory", "alloc_failed")  # parts of messages of torch, the system and CUDA


def initialize_process(gpu_counter: Any) -> None:
    """Make this process a worker: one thread, the next GPU in turn, and exit when its parent dies."""
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent handles Ctrl-C and the end of a terminal
        signal.signal(number, signal.SIG_IGN)
    multiprocessing.current_process().daemon = False  # a daemon could not start readers of photographs
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        with gpu_counter.get_lock():
            torch.cuda.set_device(gpu_counter.value % torch.cuda.device_count())
            gpu_counter.value += 1
    parents = multiprocessing.parent_process(), os.getppid()
    threading.Thread(target=_exit_with_parents, args=parents, daemon=True).start()


def _exit_with_parents(command: Any, fork_server: int) -> None:
    """Exit when the parent command or the fork server dies."""
    while command.is_alive() and os.getppid() == fork_server:
        command.join(1.0)
    os._exit(1)


def perform(task: Task, group: ProcessGroup = SINGLE) -> str:
    """Measure the task's job and write its record.

    Args:
        task: The job and where its results go.
        group: The processes that train together; this is the first of them.

    Returns:
        The record's status, or 'elsewhere' if another run works on the job.

    Raises:
        InputError: The output folder was moved or removed.
    """
    job, out = task.job, task.out
    try:
        with guard_folder(out) as check_folder, locks.lock(store.lock_file(out, job)):
            record = store.read(out, job) or {}  # an unfit timing, a trial without its weights, or a failure
            if is_due := weights.needs_measurement(out, job, task.keep_weights, task.previous_end):
                tags = {"tags": record["tags"]} if "tags" in record else {}
                weights.move_damaged_aside(out, job)
                record = {"reason": "", **_measure(task, group), **tags}
                record["ended"] = max(record["started"], time.time())  # a clock may be set back
                check_folder()  # a vanished folder is no failure of the job
                store.write(out, record)
            store.remove_unfinished(out, job, store.is_failure(record))
    except Timeout:
        return "elsewhere"
    if is_due and "CUDA error" in record["reason"]:
        os._exit(1)  # after such an error every later job of this process would fail
    return record["status"]


def _measure(task: Task, group: ProcessGroup) -> dict[str, Any]:
    """Return the job's record; that of a failure if the job raises any error other than of a file."""
    job = task.job
    threads = measurement.thread_count(job) if isinstance(job, Timing) else None
    record = store.new_record(job) | {
        "started": time.time(),
        "environment": describe_environment(job_device(job), threads),
    }
    try:
        with keep_process_settings():
            load_components(task.codes)
        if sources := find_sources(job):
            record["sources"] = sources
        with keep_process_settings():
            result = _perform_job(task, group)
        if fault := validation.find_impossible_metric(result):
            raise ValueError(f"a measured number is impossible: {fault}")
        return record | {"status": "finished", **result}
    except (Exception, SystemExit) as error:  # a component may exit
        lacks_images = isinstance(job, Trial | Probe) and not task.source.folder.exists()
        if files.disk_fault(error) or group.is_lost_peer(error) or (isinstance(error, OSError) and lacks_images):
            raise
        is_memory = isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        failure = store.failure_fields("out of memory" if is_memory else "failed", reason, traceback.format_exc())
        return {**failure, **record}


def _perform_job(task: Task, group: ProcessGroup) -> dict[str, Any]:
    job = task.job
    if isinstance(job, Trial):
        return run_trial(job, task, group)
    if isinstance(job, Count):
        return {"network": complexity.count_network(job.model)}
    if isinstance(job, Timing):
        return measurement.measure(job)
    return {"samples": answer_probe(job, task.out, task.source)}
