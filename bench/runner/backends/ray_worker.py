"""What runs on the machines of a cluster: a slot, which performs one job after another and sends back what came of it.

Imported there with Ray and torch; the command has its handles, and packs here what is sent.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.data.source import Source
from bench.records import store
from bench.records.progress import touched
from bench.spec.jobs import Job, Probe
from bench.system import files

BEAT = 1.0  # seconds between two signs of life

Files = dict[str, bytes]  # by name, in the folder of records


class Slot:
    """A process that lives from job to job, as a worker does here.

    out: where the records are to be. A machine that finds the run's token there shares that folder, and works in it;
    any other works in a folder of its own, by the token's name, to which it is given what a job needs.
    """

    def __init__(self, out: Path, token: str) -> None:
        import torch
        import torch._dynamo  # which the first optimiser's step imports

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the command's to handle
        torch.set_num_threads(1)
        self.out, self.own, self.shares = out, scratch(token), (out / token).exists()
        self.thread = ThreadPoolExecutor(1)  # one for all jobs, as what torch is told counts for a thread

    def ready(self) -> tuple[str, bool]:
        """Its machine, and whether that shares the folder."""
        import ray

        return ray.get_runtime_context().get_node_id(), self.shares

    def perform(
        self,
        job: Job,
        source: Source,
        keep_weights: bool,
        seen: float | None,
        given: Files | None = None,
        pixels: Sequence[Any] = (),
    ) -> Iterator[bytes | tuple[str, Files]]:
        """Yields, away from the shared folder, what the part file has grown by, or nothing where it was touched as a
        sign of life; at last the status and the files."""
        from bench.runner import worker

        out = self.out if self.shares else self._furnished(job, given)
        if pixels:
            source = replace(source, folder=_unpacked(self.own / "cache" / source.folder.name, pixels))
        part, told, beat = store.part(out, job), 0, None if self.shares else BEAT
        performed = self.thread.submit(worker.perform, job, source, out, keep_weights, seen)
        seen_at = None
        while not wait([performed], beat).done:
            if (now := touched(part)) != seen_at:
                seen_at = now
                yield (grown := _from(part, told))
                told += len(grown)
        status = performed.result()
        yield status, {} if status == "elsewhere" else self._found(out, job)
        if not self.shares and status != "elsewhere":
            files.remove(out)

    def _furnished(self, job: Job, given: Files | None) -> Path:
        """A folder for the job alone. What its last worker left there stays: that one died after it had written."""
        out = self.own / store.path(self.own, job).stem
        for name, content in (given or {}).items():
            if not (file := store.folder(out) / name).exists():
                files.write(file, content)
        store.folder(out).mkdir(parents=True, exist_ok=True)
        store.part(out, job).unlink(missing_ok=True)
        return out

    def _found(self, out: Path, job: Job) -> Files:
        """The weights, where they are not there already, and the record."""
        wanted = [] if self.shares else [store.weights(out, job)]
        return {file.name: file.read_bytes() for file in [*wanted, store.path(out, job)] if file.exists()}


def scratch(token: str) -> Path:
    """Where the machine's slots work that do not share the folder of records."""
    return Path(tempfile.gettempdir(), f"ablate{token}")


def tidy(token: str) -> None:
    """Once no slot works there."""
    files.remove(scratch(token))


def needed(out: Path, job: Job) -> Files:
    """What a job needs of the folder of records: what was known of itself, and the trials that a probe asks."""
    found = [store.path(out, job), store.path(out, job).with_suffix(".checkpoint")]
    for trial in job.trials if isinstance(job, Probe) else ():
        found += [store.path(out, trial), store.weights(out, trial)]
    return {file.name: file.read_bytes() for file in found if file.exists()}


def packed(source: Source) -> list[Any]:
    """The files of the source's folder, in a list: what lies in one is fetched where it is asked for alone."""
    import numpy as np
    import ray

    # arrays, which Ray maps into every process of a machine
    return [ray.put({file.name: np.fromfile(file, np.uint8) for file in source.folder.iterdir()})]


def _unpacked(folder: Path, pixels: Sequence[Any]) -> Path:
    """The folder with the packed files: written by the first of the machine's slots that needs it."""
    import ray

    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.exists():
            made = files.temporary(folder)
            made.mkdir()
            for name, content in ray.get(pixels[0]).items():
                content.tofile(made / name)
            os.replace(made, folder)
    return folder


def _from(file: Path, start: int) -> bytes:
    """The file from there on."""
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read()
