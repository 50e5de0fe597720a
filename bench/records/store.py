"""A finished job is one file, `<out>/trials/<identity>.json`: written by rename, never half.

A record is a JSON object:
    schema      1
    identity    of the job; kind: 'trial', 'count', 'timing' or 'probe'; job: all its fields
    status      'finished', 'diverged' (the loss was not finite: a result), or one of FAILURES, which measured nothing
                and is run again on request; reason: one line, or ''; log: (failures) what led to it
    started, ended   seconds since the epoch
    environment what measured it: commit, torch, python, platform, device, device_name, threads, and processes
                where a trial was shared by several
    tags        {'profiles': [...], 'studies': {study: [arm, ...]}}; not part of what was measured
    data        (trials) name, digest, classes, train, validation, test, shared_images, note
    network     (trials, counts) parameters, macs, layers: a list of name, kind, shape, output, parameters, macs,
                gain, activation, normalisation, pooling, dropout: read off the built network
    points      (trials) a list of step, epoch, time, metrics {name: value}; the last value of a name is the final one
    samples     (timings, probes) a list of arm, pair (round or seed), metric, value
    raw         values behind aggregates, e.g. step_ms
    fit, why_unfit   (timings) whether the machine was quiet enough to judge by, and what was seen
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial, identity, job_kind
from bench.system import files

SCHEMA = 1
UNFINISHED = (".part", ".checkpoint", ".lock")  # of a job that is not done; the lock goes last
FAILURES = ("failed", "out of memory", "died", "hung", "timed out")


class DamagedRecord(InputError):
    """A file in a record's place that is cut off, unreadable, of another content or under another record's name."""


def folder(out: Path) -> Path:
    return out / "trials"


def path(out: Path, job: Job | str) -> Path:
    return folder(out) / f"{job if isinstance(job, str) else identity(job)}.json"


def new(job: Job) -> dict[str, Any]:
    """A record without measurements."""
    return {"schema": SCHEMA, "identity": identity(job), "kind": job_kind(job), "job": dataclasses.asdict(job)}


def failure(status: str, reason: str, log: str = "") -> dict[str, Any]:
    """What a record says of a job that came to nothing; times and environment where nobody told them."""
    now = time.time()
    return {"started": now, "ended": now, "environment": {}, "status": status, "reason": reason[:300], "log": log}


def failed(record: dict[str, Any]) -> bool:
    return record["status"] in FAILURES


def write(out: Path, record: dict[str, Any]) -> Path:
    """Write the record whole or not at all."""
    target = path(out, record["identity"])
    files.write(target, json.dumps(record, allow_nan=False).encode())
    return target


def read(out: Path, job: Job | str) -> dict[str, Any] | None:
    """The job's record, or None where it has none."""
    file = path(out, job)
    return load(file) if file.exists() else None


def read_all(out: Path) -> list[dict[str, Any]]:
    return [load(file) for file in sorted(folder(out).glob("*.json"))]


def load(file: Path) -> dict[str, Any]:
    """A record's file; raises InputError where it is cut off, cannot be read, is another thing or has another's name: a
    record's identity is a part of paths."""
    try:
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _ = record["identity"], record["kind"], record["status"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise DamagedRecord(f"{file} is no whole record ({error})") from error
    if record["identity"] != file.stem:
        raise DamagedRecord(f"{file} is not the record of its own job")
    return record


def finals(record: dict[str, Any]) -> dict[str, float]:
    """Each metric's last value."""
    return {name: value for point in record["points"] for name, value in point["metrics"].items()}


def tag(out: Path, job: Job | str, profile: str, places: Iterable[tuple[str, str]]) -> None:
    """Add where the job is used, (study, arm) pairs, to its record's tags; rewrites the file only for a new one.

    Under the job's lock, since another run may be about to replace the record; while one is at the job, nothing is
    added: the next contact does.
    """
    places = list(places)
    record = read(out, job)
    if record is None or _tagged(record, profile, places) == record:
        return
    with suppress(Timeout), FileLock(lock(out, job), timeout=0):
        record = read(out, job)
        if record is not None and (tagged := _tagged(record, profile, places)) != record:
            write(out, tagged)
        lock(out, job).unlink(missing_ok=True)


def _tagged(record: dict[str, Any], profile: str, places: list[tuple[str, str]]) -> dict[str, Any]:
    tags = record.get("tags", {"profiles": [], "studies": {}})
    studies = {study: list(arms) for study, arms in tags["studies"].items()}
    for study, arm in places:
        if arm not in studies.setdefault(study, []):
            studies[study].append(arm)
    return {**record, "tags": {"profiles": sorted({*tags["profiles"], profile}), "studies": studies}}


def weights(out: Path, job: Job | str) -> Path:
    """Where the job's final weights are kept, if they are."""
    return path(out, job).with_suffix(".safetensors")


def weightless(out: Path, job: Job) -> bool:
    """Whether the job is a finished trial whose weights were not kept."""
    record = read(out, job) if isinstance(job, Trial) else None
    return record is not None and record["status"] == "finished" and not weights(out, job).exists()


def due(out: Path, job: Job, keep_weights: bool, seen: float | None) -> bool:
    """Whether the job is to be measured by a caller who has seen its record, which ended then: a later one by another
    run is left as it is, unless it lacks the weights that are wanted."""
    return (read(out, job) or {}).get("ended") == seen or (keep_weights and weightless(out, job))


def askable(out: Path, trial: Trial) -> bool:
    """Whether a probe can ask the trial: it left weights, or diverged and never will."""
    record = read(out, trial)
    return weights(out, trial).exists() or (record is not None and record["status"] == "diverged")


def part(out: Path, job: Job | str) -> Path:
    """Where a running job appends its points, a JSON object a line."""
    return path(out, job).with_suffix(".part")


def clear(out: Path, job: Job, failure: bool) -> None:
    """Remove what lies beside the record of a job that is done; of a failure all but the lock stays: it may go on."""
    for file in unfinished(out, job)[-1 if failure else 0 :]:
        file.unlink(missing_ok=True)


def unfinished(out: Path, job: Job | str) -> list[Path]:
    """What lies beside a record only while its job is not done, whether it is there or not."""
    return [path(out, job).with_suffix(suffix) for suffix in UNFINISHED]


def lock(out: Path, job: Job | str) -> Path:
    """What a worker holds a lock on while it is at the job."""
    return path(out, job).with_suffix(".lock")
