"""A trial in a worker: training with its part file, its checkpoints and its weights."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save

from bench.data.source import Source
from bench.data.trial_images import load_splits
from bench.metrics.registry import recorded_name
from bench.models import complexity
from bench.models.network import build
from bench.records import store, weights
from bench.runner.environment import describe_environment
from bench.runner.task import Task
from bench.spec.jobs import Trial
from bench.system.process_group import ProcessGroup
from bench.training import checkpoint
from bench.training.loop import train

HEARTBEAT_S = 1.0


def run_trial(trial: Trial, task: Task, group: ProcessGroup) -> dict[str, Any]:
    """Train from the checkpoint, if there is one, and return the fields that the trial adds to its record.

    Each point is appended to the part file. A metric that is not finite ends the trial as diverged; a metric of the
    study file fails it, unless others are not finite either.

    Args:
        trial: The task's job.
        task: The task, for its images and output folder.
        group: The processes that train together; this is the first of them.
    """
    out = task.out
    network, images = build(trial.model, trial.seed), load_splits(trial, task.source)
    saved, origin = checkpoint.resume(out, trial, describe_environment(trial.device, processes=group.size))
    group.broadcast((trial, saved))
    points: list[dict[str, Any]] = saved["points"] if saved else []
    raw: dict[str, Any] = {}
    fields = {**origin, "data": task.source.facts(), "network": complexity.count_network(trial.model)}
    fields |= {"status": "finished", "points": points, "raw": raw}
    part = store.part_file(out, trial)
    part.write_text("".join(f"{json.dumps(point)}\n" for point in points), encoding="utf-8")
    for point in train(trial, network, images, saved, _checkpoint_timer(part), group):
        if "state" in point:
            checkpoint.write(out, trial, {**point["state"], "points": points, "origin": origin})
            continue
        if "step_ms" in point:  # further digits are noise, and would be most of a record's size
            raw["step_ms"] = [round(step_ms, 3) for step_ms in point.pop("step_ms")]
        _check_own_metrics(trial, point)
        diverged = _is_diverged(point)
        finite = {name: value for name, value in point["metrics"].items() if math.isfinite(value)}
        points.append({name: point[name] for name in ("step", "epoch", "time")} | {"metrics": finite})
        with part.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(points[-1])}\n")
        if diverged:
            return fields | {"status": "diverged", "reason": f"the loss was not finite in epoch {point['epoch']}"}
    if task.keep_weights:
        state = {name: tensor.contiguous().cpu() for name, tensor in network.module.state_dict().items()}
        fields["weights"] = weights.write(out, trial, save(state))
    return fields


def join_trial(trial: Trial, saved: dict[str, Any] | None, source: Source, group: ProcessGroup) -> None:
    """Train along with the first process of the group, which writes the trial's record.

    Args:
        trial: The trial of the first process.
        saved: Checkpoint to start from, if there is one.
        source: This process's images.
        group: The processes that train together.
    """
    for point in train(trial, build(trial.model, trial.seed), load_splits(trial, source), saved, group=group):
        if _is_diverged(point):
            return


def _check_own_metrics(trial: Trial, point: dict[str, Any]) -> None:
    """Raise ValueError if metrics of the study file alone are not finite: their functions failed, not the network."""
    own_names = set(map(recorded_name, trial.metrics))
    invalid = sorted(name for name, value in point["metrics"].items() if not math.isfinite(value))
    if invalid and own_names.issuperset(invalid):
        value = point["metrics"][invalid[0]]
        raise ValueError(f"metric {invalid[0]} is {value} of a network whose loss is finite: correct its function")


def _is_diverged(point: dict[str, Any]) -> bool:
    """Whether a point ends its trial; every process of a group decides the same."""
    return point.get("diverged", False) or not all(map(math.isfinite, point["metrics"].values()))


def _checkpoint_timer(part: Path) -> Callable[[], bool]:
    """Return a function to call after each step: it touches the part file, and returns whether a checkpoint is due."""
    is_heartbeat_due, is_checkpoint_due = checkpoint.interval_timer(HEARTBEAT_S), checkpoint.interval_timer()

    def is_due() -> bool:
        if is_heartbeat_due():
            os.utime(part)
        return is_checkpoint_due()

    return is_due
