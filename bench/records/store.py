"""The records of an output folder: one file for each finished job, `<out>/trials/<identity>.json`, written by rename.

A record is a JSON object (schema.py has its types):
    schema      2; 1 for older records, which have no checksum
    checksum    SHA-256 of all fields except the tags, so that a change is noticed
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
    sources     (jobs with components of a study file) the text that defines each, by its qualified name
    weights     (trials whose weights were kept) SHA-256 of their file
    raw         values behind aggregates, e.g. step_ms
    fit, why_unfit   (timings) whether the machine was quiet enough, and why it was not
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import Timeout

from bench.spec.errors import InputError
from bench.spec.jobs import Job, identity, job_kind
from bench.system import files, locks

SCHEMA = 2
MAX_BYTES = {".json": 2**26, ".safetensors": 2**32}  # of an accepted file; a record of seven million steps is smaller
UNFINISHED_SUFFIXES = (".part", ".checkpoint", ".lock")  # the lock is removed last
FAILURES = ("failed", "out of memory", "died", "hung", "timed out")


class DamagedRecordError(InputError):
    """A record file that is truncated, unreadable, of other content, or under another record's name."""


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
    """Return the path to which a running trial appends its points, one JSON object per line."""
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
    """Write a record, with its checksum, atomically; return its path."""
    folder(out).mkdir(parents=True, exist_ok=True)
    return _write(out, {**record, "checksum": checksum(record)})


def _write(out: Path, record: dict[str, Any]) -> Path:
    target = path(out, record["identity"])
    files.write(target, json.dumps(record, allow_nan=False).encode())
    return target


def checksum(record: dict[str, Any]) -> str:
    """Return the checksum of a record without its tags, which later runs rewrite."""
    content = {name: part for name, part in record.items() if name not in ("tags", "checksum")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read(out: Path, job: Job | str) -> dict[str, Any] | None:
    """Return a job's record, or None if it has none."""
    file = path(out, job)
    return load(file) if file.exists() else None


def read_all(out: Path) -> list[dict[str, Any]]:
    """Return all records, by identity."""
    return [load(file) for file in sorted(folder(out).glob("*.json"))]


def load(file: Path) -> dict[str, Any]:
    """Load a record; raise DamagedRecordError unless it is complete and named by its identity."""
    try:
        check_size(file)
        record: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        _ = record["identity"], record["kind"], record["status"]
    except (OSError, ValueError, RecursionError, TypeError, KeyError) as error:
        raise DamagedRecordError(f"{file} is no whole record ({error})") from error
    if record["identity"] != file.stem:
        raise DamagedRecordError(f"{file} is not the record of its own job")
    return record


def check_size(file: Path) -> None:
    """Raise InputError if the file is larger than any of its kind, or is a pipe or device, which may be endless."""
    if file.stat().st_size > MAX_BYTES[file.suffix]:
        raise InputError(f"{file.name} is larger than any file that this harness writes")
    files.check_kind(file)


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
            _write(out, tagged_record)  # keeps the checksum, so that an earlier change of the record is still noticed
        lock_file(out, job).unlink(missing_ok=True)


def _with_tags(record: dict[str, Any], profile: str, uses: list[tuple[str, str]]) -> dict[str, Any]:
    tags = record.get("tags", {"profiles": [], "studies": {}})
    studies = {study: list(arms) for study, arms in tags["studies"].items()}
    for study, arm in uses:
        if arm not in studies.setdefault(study, []):
            studies[study].append(arm)
    return {**record, "tags": {"profiles": sorted({*tags["profiles"], profile}), "studies": studies}}


def remove_unfinished(out: Path, job: Job, failure: bool) -> None:
    """Remove the unfinished files of a done job; of a failure remove only the lock, so that its checkpoint stays."""
    for file in unfinished_files(out, job)[-1 if failure else 0 :]:
        file.unlink(missing_ok=True)
