"""What a worker does with one job: everything from the job to its record on disk."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import signal
import threading
import time
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors.torch import save

from bench.data.source import Source
from bench.data.splits import splits
from bench.models import complexity
from bench.models.alexnet import build
from bench.probes.answering import answer_probe
from bench.records import store
from bench.spec.jobs import Count, Job, Timing, Trial, job_device
from bench.system import files
from bench.system.git import commit
from bench.system.process_group import SINGLE, ProcessGroup
from bench.timing import measurement
from bench.training import checkpoint
from bench.training.loop import train

NO_MEMORY = ("out of memory", "allocate memory", "alloc_failed")  # as torch, the system and CUDA's libraries say it


def start(turn: Any) -> None:
    """Make this process a worker: one thread, its turn among the GPUs, and an end with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    multiprocessing.current_process().daemon = False  # else it could have no readers of photographs
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        with turn.get_lock():
            torch.cuda.set_device(turn.value % torch.cuda.device_count())
            turn.value += 1
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(), os.getppid()), daemon=True).start()


def _end_with(parent: Any, server: int) -> None:
    """With the command, or with the server that this process was forked from: without either nobody hears of it."""
    while parent.is_alive() and os.getppid() == server:
        parent.join(1.0)
    os._exit(1)


def perform(
    job: Job, source: Source, out: Path, keep_weights: bool, seen: float | None = None, ranks: ProcessGroup = SINGLE
) -> str:
    """Measure the job and write its record; returns its status, or 'elsewhere' where another run is at it.

    seen: when the job's record ended that the caller knew of. ranks: of the processes that train together, the first of
    which this is.
    """
    try:
        with FileLock(store.lock(out, job), timeout=0):
            earlier = store.read(out, job) or {}  # a timing that was unfit, a trial without its weights, a failure
            if mine := store.due(out, job, keep_weights, seen):
                tags = {"tags": earlier["tags"]} if "tags" in earlier else {}
                measured = _measured(job, source, out, keep_weights, ranks)
                earlier = {"reason": "", **measured, **tags, "ended": time.time()}
                store.write(out, earlier)
            store.clear(out, job, store.failed(earlier))
    except Timeout:
        return "elsewhere"
    if mine and "CUDA error" in earlier["reason"]:
        os._exit(1)  # after such an error every later job of this process would fail
    return earlier["status"]


def _measured(job: Job, source: Source, out: Path, keep_weights: bool, ranks: ProcessGroup) -> dict[str, Any]:
    """The job's record; a failure's, where it raises anything but that a file cannot be used."""
    threads = measurement.thread_count(job) if isinstance(job, Timing) else None
    record = store.new(job) | {"started": time.time(), "environment": environment(job_device(job), threads)}
    try:
        if isinstance(job, Trial):
            return record | _trial(job, source, out, keep_weights, ranks)
        if isinstance(job, Count):
            return record | {"status": "finished", "network": complexity.count_network(job.model)}
        if isinstance(job, Timing):
            return record | {"status": "finished", **measurement.measure(job)}
        return record | {"status": "finished", "samples": answer_probe(job, out, source)}
    except Exception as error:
        if files.disk_fault(error) or ranks.lost(error):
            raise
        memory = isinstance(error, MemoryError) or any(words in str(error).lower() for words in NO_MEMORY)
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        failure = store.failure("out of memory" if memory else "failed", reason, traceback.format_exc())
        return {**failure, **record}


def _trial(trial: Trial, source: Source, out: Path, keep_weights: bool, ranks: ProcessGroup) -> dict[str, Any]:
    """Train, from the checkpoint where there is one, appending each point to the part file; a metric that is not finite
    ends the trial as diverged."""
    network, images = build(trial.model, trial.seed), splits(trial, source)
    saved, origin = checkpoint.resume(out, trial, environment(trial.device, processes=ranks.size))
    ranks.told((trial, saved))
    points: list[dict[str, Any]] = saved["points"] if saved else []
    result: dict[str, Any] = {
        **origin,
        "data": source.facts(),
        "network": complexity.count_network(trial.model),
        "status": "finished",
        "points": points,
        "raw": {},
    }
    part = store.part(out, trial)
    part.write_text("".join(f"{json.dumps(point)}\n" for point in points), encoding="utf-8")
    for point in train(trial, network, images, saved, _due(part), ranks):
        if "state" in point:
            checkpoint.write(out, trial, {**point["state"], "points": points, "origin": origin})
            continue
        if "step_ms" in point:  # to the microsecond: more digits are most of a record's size, and noise
            result["raw"]["step_ms"] = [round(step, 3) for step in point.pop("step_ms")]
        diverged = _diverged(point)
        finite = {name: value for name, value in point["metrics"].items() if math.isfinite(value)}
        points.append({name: point[name] for name in ("step", "epoch", "time")} | {"metrics": finite})
        with part.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(points[-1])}\n")
        if diverged:
            reason = f"the loss was not finite in epoch {point['epoch']}"
            return {**result, "status": "diverged", "reason": reason}
    if keep_weights:
        state = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
        files.write(store.weights(out, trial), save(state))
    return result


def accompany(trial: Trial, saved: dict[str, Any] | None, source: Source, ranks: ProcessGroup) -> None:
    """Train along with the process that writes the trial's record."""
    for point in train(trial, build(trial.model, trial.seed), splits(trial, source), saved, group=ranks):
        if _diverged(point):
            return


def _diverged(point: dict[str, Any]) -> bool:
    """Whether a point ends its trial: every process decides alike."""
    return point.get("diverged", False) or not all(map(math.isfinite, point["metrics"].values()))


def _due(part: Path) -> Callable[[], bool]:
    """Whether a checkpoint is due; asked after each step, it also gives the sign of life."""
    beat, due = checkpoint.clock(1.0), checkpoint.clock()

    def asked() -> bool:
        if beat():
            os.utime(part)
        return due()

    return asked


@lru_cache
def environment(kind: str, threads: int | None = None, processes: int = 1) -> dict[str, Any]:
    """What measures: versions, commit, processor. threads: this process's, where None."""
    several = {"processes": processes} if processes > 1 else {}
    return several | {
        "commit": commit(),
        "torch": str(torch.__version__),  # a checkpoint takes plain text alone
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "device": kind,
        "device_name": torch.cuda.get_device_name() if kind == "cuda" else _processor(),
        "threads": threads or torch.get_num_threads(),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
