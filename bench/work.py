"""What a worker does with one job: everything from the job to its record on disk."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import platform
import signal
import subprocess
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from bench import cost, probes, records, timing
from bench.data import Source
from bench.model import build
from bench.spec import Count, Job, Probe, Timing, Trial
from bench.splits import splits
from bench.train import train


def start(devices: Any) -> None:
    """Make this process a worker: one thread, its turn among the GPUs, and an end with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    torch.set_num_threads(1)
    if torch.cuda.is_available():
        with devices.get_lock():
            torch.cuda.set_device(devices.value % torch.cuda.device_count())
            devices.value += 1
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def perform(job: Job, source: Source, out: Path, keep_weights: bool) -> str:
    """Measure the job and write its record; returns its status."""
    record = records.new(job) | {"started": time.time(), "environment": environment(_device(job))}
    if isinstance(job, Trial):
        record |= _trial(job, source, out, keep_weights)
    elif isinstance(job, Count):
        record |= {"status": "finished", "network": cost.network(job.model)}
    elif isinstance(job, Timing):
        record |= {"status": "finished", **timing.measure(job)}
    else:
        record |= {"status": "finished", "samples": probes.answer(job, out, source)}
    earlier = records.read(out, job) or {}  # a timing that was unfit, or a trial without its weights
    tags = {"tags": earlier["tags"]} if "tags" in earlier else {}
    records.write(out, record | tags | {"reason": record.get("reason", ""), "ended": time.time()})
    records.part(out, job).unlink(missing_ok=True)
    return record["status"]


def _trial(trial: Trial, source: Source, out: Path, keep_weights: bool) -> dict[str, Any]:
    """Train, appending each point to the part file; a metric that is not finite ends the trial as diverged."""
    network, images = build(trial.model, trial.seed), splits(trial, source)
    result: dict[str, Any] = {
        "data": source.facts(),
        "network": cost.network(trial.model),
        "status": "finished",
        "points": [],
        "raw": {},
    }
    with records.part(out, trial).open("w", encoding="utf-8") as part:
        for point in train(trial, network, images):
            result["raw"] |= {"step_ms": point.pop("step_ms")} if "step_ms" in point else {}
            finite = {name: value for name, value in point["metrics"].items() if math.isfinite(value)}
            diverged = point.pop("diverged", False) or len(finite) < len(point["metrics"])
            result["points"].append({**point, "metrics": finite})
            part.write(json.dumps(result["points"][-1]) + "\n")
            part.flush()
            if diverged:
                reason = f"the loss was not finite in epoch {point['epoch']}"
                return {**result, "status": "diverged", "reason": reason}
    if keep_weights:
        state = {name: tensor.contiguous().cpu() for name, tensor in network.state_dict().items()}
        weights = records.weights(out, trial)
        save_file(state, weights.with_suffix(".tmp"))
        weights.with_suffix(".tmp").replace(weights)
    return result


def _device(job: Job) -> str:
    if isinstance(job, Probe):
        return job.trials[0].device
    return job.device if isinstance(job, Trial | Timing) else "cpu"


@lru_cache
def environment(device: str) -> dict[str, Any]:
    """What measures: versions, commit, processor."""
    return {
        "commit": _commit(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
        "device": device,
        "device_name": torch.cuda.get_device_name() if device == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
    }


def _commit() -> str:
    """The commit of this code, with '+' where the files differ from it, or '' outside a checkout."""
    here = Path(__file__).parent.parent
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"], cwd=here, capture_output=True, text=True
        )
    except OSError:
        return ""
    return told.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
