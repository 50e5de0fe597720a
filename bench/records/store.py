"""The records of an output folder: one file for each finished job, `<out>/trials/<identity>.json`, written by rename.

A record is a JSON object (validation.py has its types):
    schema      1
    identity    of the job; kind: 'trial', 'count', 'timing' or 'probe'; job: all its fields
    status      'finished', 'diverged' (the loss was not finite: a result), or one of FAILURES, which hold no
                measurement and are run again on request; reason: one line, or ''; log: (failures) the traceback
    started, ended   seconds since the epoch
    environment commit, torch, python, platform, device, device_name, threads; processes, where several shared
                a trial
    tags        {'profiles': [...], 'studies': {study: [arm, ...]}}; not part of what was measured
    data        (trials) name, digest, classes, train, validation, test, shared_images, note
    network     (trials, counts) parameters, macs, layers: a list of name, kind, shape, output, parameters, macs,
                gain, activation, normalisation, pooling, dropout: read off the built network
    points      (trials) a list of step, epoch, time, metrics {name: value}; the last value of a name is the final one
    samples     (timings, probes) a list of arm, pair (round or seed), metric, value
    raw         values behind aggregates, e.g. step_ms
    fit, why_unfit   (timings) whether the machine was quiet enough, and why it was not
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import Timeout

from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial, identity, job_kind
from bench.system import files, locks

SCHEMA = 1
UNFINISHED_SUFFIXES = (".part", ".checkpoint", ".lock")  # the lock is removed last
FAILURES = ("failed", "out of memory", "died", "hung", "timed out")


class DamagedRecordError(InputError):
    """A file in a record's place that is cut off, unreadable, of another content or under another record's name."""


def folder(out: Path) -> Path:
    """Return the folder of all records."""
    return out / "trials"


def path(out: Path, job: Job | str) -> Path:
    """Return the path of a record, by its job or its identity."""
    return folder(out) / f"{job if isinstance(job, str) else identity(job)}.json"


def weights_file(out: Path, job: Job | str) -> Path:
    """Return the path of a trial's final weights, which exists where they are kept."""
    return path(out, job).with_suffix(".safetensors")


def part_file(out: Path, job: Job | str) -> Path:
    """Return the path to which a running trial appends its points, one JSON object a line."""
    return path(out, job).with_suffix(".part")


def lock_file(out: Path, job: Job | str) -> Path:
    """Return the path of the lock that a worker holds while it runs the job."""
    return path(out, job).with_suffix(".lock")


def unfinished_files(out: Path, job: Job | str) -> list[Path]:
    """Return the paths that exist only while a job is unfinished."""
    return [path(out, job).with_suffix(suffix) for suffix in UNFINISHED_SUFFIXES]


def new_record(job: Job) -> dict[str, Any]:
    """Make a record without measurements."""
    return {"schema": SCHEMA, "identity": identity(job), "kind": job_kind(job), "job": dataclasses.asdict(job)}


def failure_fields(status: str, reason: str, log: str = "") -> dict[str, Any]:
    """Make a failure's fields; times and environment are defaults for a job whose worker recorded none.

    Args:
        status: One of FAILURES.
        reason: One line, cut at 300 characters.
        log: The traceback.
    """
    now = time.time()
    return {"started": now, "ended": now, "environment": {}, "status": status, "reason": reason[:300], "log": log}


def is_failure(record: dict[str, Any]) -> bool:
    """Whether the job failed, so that its record holds no measurement."""
    return record["status"] in FAILURES


def final_metrics(record: dict[str, Any]) -> dict[str, float]:
    """Return each metric's last value."""
    return {name: value for point in record["points"] for name, value in point["metrics"].items()}


def write(out: Path, record: dict[str, Any]) -> Path:
    """Write a record whole or not at all; return its path."""
    target = path(out, record["identity"])
    files.write(target, json.dumps(record, allow_nan=False).encode())
    return target


def read(out: Path, job: Job | str) -> dict[str, Any] | None:
    """Return a job's record, or None if it has none."""
    file = path(out, job)
    return load(file) if file.exists() else None


def read_all(out: Path) -> list[dict[str, Any]]:
    """Return all records, by identity."""
    return [load(file) for file in sorted(folder(out).glob("*.json"))]


def load(file: Path) -> dict[str, Any]:
    """Load a record; raise DamagedRecordError unless it is whole and under its identity, a part of paths."""
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _ = record["identity"], record["kind"], record["status"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise DamagedRecordError(f"{file} is no whole record ({error})") from error
    if record["identity"] != file.stem:
        raise DamagedRecordError(f"{file} is not the record of its own job")
    return record


def add_tags(out: Path, job: Job | str, profile: str, uses: Iterable[tuple[str, str]]) -> None:
    """Add a profile, and the studies and arms that use a job, to the tags of its record, if it has one.

    The record is rewritten under the job's lock, since another run may be about to replace it. While another run holds
    the lock nothing is added; the next contact adds it.

    Args:
        out: The output folder.
        job: The job, or its identity.
        profile: A profile's name.
        uses: Pairs of study and arm.
    """
    uses = list(uses)
    record = read(out, job)
    if record is None or _with_tags(record, profile, uses) == record:
        return
    with suppress(Timeout), locks.lock(lock_file(out, job)):
        record = read(out, job)
        if record is not None and (tagged_record := _with_tags(record, profile, uses)) != record:
            write(out, tagged_record)
        lock_file(out, job).unlink(missing_ok=True)


def _with_tags(record: dict[str, Any], profile: str, uses: list[tuple[str, str]]) -> dict[str, Any]:
    tags = record.get("tags", {"profiles": [], "studies": {}})
    studies = {study: list(arms) for study, arms in tags["studies"].items()}
    for study, arm in uses:
        if arm not in studies.setdefault(study, []):
            studies[study].append(arm)
    return {**record, "tags": {"profiles": sorted({*tags["profiles"], profile}), "studies": studies}}


def remove_unfinished(out: Path, job: Job, failure: bool) -> None:
    """Remove a done job's unfinished files; a failure keeps its checkpoint and loses its lock alone."""
    for file in unfinished_files(out, job)[-1 if failure else 0 :]:
        file.unlink(missing_ok=True)


def lacks_weights(out: Path, job: Job) -> bool:
    """Whether the job is a finished trial whose weights were not kept."""
    record = read(out, job) if isinstance(job, Trial) else None
    return record is not None and record["status"] == "finished" and not weights_file(out, job).exists()


def needs_measurement(out: Path, job: Job, keep_weights: bool, previous_end: float | None) -> bool:
    """Whether a job that was found missing has still no newer record, or lacks weights that are to be kept.

    Args:
        out: The output folder.
        job: The job.
        keep_weights: Whether its weights are to be kept.
        previous_end: The end of its record as it was found, in seconds since the epoch; None if it had none.
    """
    return (read(out, job) or {}).get("ended") == previous_end or (keep_weights and lacks_weights(out, job))


def can_be_probed(out: Path, trial: Trial) -> bool:
    """Whether a trial is done for its probes: it left weights, or diverged, so that it never will."""
    record = read(out, trial)
    return weights_file(out, trial).exists() or (record is not None and record["status"] == "diverged")
