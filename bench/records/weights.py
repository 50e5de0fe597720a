"""Stored weights of trials: writing them, finding damaged ones, and whether probes can use them."""

import hashlib
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import SafetensorError, safe_open

from bench.records import cleanup, store
from bench.spec.jobs import Job, Trial
from bench.system import files

State = Literal["usable", "diverged", "lacking", "unfinished"]


def write(out: Path, trial: Trial, content: bytes) -> str:
    """Write a trial's weights; return their digest for its record."""
    files.write(store.weights_file(out, trial), content)
    return hashlib.sha256(content).hexdigest()


def find_fault(file: Path, record: dict[str, Any]) -> str:
    """Say why a file does not hold the weights of a record; '' if it does.

    They are compared by the digest in the record. Without one (schema 1), they must be finite and fit the layers.
    """
    try:
        files.check_kind(file)
        if record.get("schema") == 1 and "weights" not in record:
            return _find_misfit(file, record)
        with file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except (SafetensorError, OSError, TypeError, ValueError, LookupError) as error:  # of weights, or of their record
        return f"they cannot be read: {error}"
    return "" if digest == record.get("weights") else "they are damaged or of another training"


def find_state(out: Path, trial: Trial) -> State:
    """Return whether a trial's weights can be probed.

    Returns:
        'usable'; 'diverged': the trial left no weights, and never will; 'lacking': the trial finished, but its weights
        were not kept or are damaged; 'unfinished': the trial has no result.
    """
    record, file = store.read(out, trial), store.weights_file(out, trial)
    if record is None or store.is_failure(record):
        return "unfinished"
    if record["status"] == "diverged":
        return "diverged"
    return "usable" if file.exists() and not find_fault(file, record) else "lacking"


def are_lacking(out: Path, job: Job) -> bool:
    """Whether the job is a finished trial without usable weights."""
    return isinstance(job, Trial) and find_state(out, job) == "lacking"


def can_be_probed(out: Path, trial: Trial) -> bool:
    """Whether probes need not wait for the trial: it left usable weights, or diverged and never will."""
    return find_state(out, trial) in ("usable", "diverged")


def needs_measurement(out: Path, job: Job, keep_weights: bool, previous_end: float | None) -> bool:
    """Whether a job that was found missing has still no newer record, or lacks weights that are to be kept.

    Args:
        out: The output folder.
        job: The job.
        keep_weights: Whether its weights are to be kept.
        previous_end: The end of its record as it was found, in seconds since the epoch; None if it had none.
    """
    return (store.read(out, job) or {}).get("ended") == previous_end or (keep_weights and are_lacking(out, job))


def move_damaged_aside(out: Path, job: Job) -> None:
    """Move a finished trial's damaged weights aside, before it is trained again under its lock."""
    if are_lacking(out, job) and (file := store.weights_file(out, job)).exists():
        cleanup.move_aside(file, out)


def _find_misfit(file: Path, record: dict[str, Any]) -> str:
    """Say how the tensors differ from the record's layers; '' if they do not."""
    layers = {f"layers.{row['name']}": row for row in record.get("network", {}).get("layers", ())}
    sizes = dict.fromkeys(layers, 0)
    with safe_open(file, framework="numpy") as opened:
        names = list(opened.keys())
        for name in names:
            layer, _, part = name.rpartition(".")
            shape = opened.get_slice(name).get_shape()
            if layer not in layers or (part == "weight" and shape != layers[layer]["shape"]):
                return f"{name} does not fit the layers of the record"
            sizes[layer] += math.prod(shape)
        for layer, row in layers.items():  # a normalisation also keeps running means
            if sizes[layer] < row["parameters"] or (row["kind"] != "norm" and sizes[layer] > row["parameters"]):
                return f"{layer} does not fit the layers of the record"
        is_finite = all(np.isfinite(opened.get_tensor(name)).all() for name in names)
    return "" if names and is_finite else "they are not finite"
