"""The part of the Ray backend that runs on the cluster's machines: a slot performs task after task.

Imported there with Ray and torch. The command imports it too, for the slots' handles and what is sent to them.
"""

import os
import signal
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.source import Source
from bench.records import store
from bench.records.heartbeat import modified_ns
from bench.runner.task import Task
from bench.spec.jobs import Job, Probe
from bench.system import files, locks

HEARTBEAT_S = 1.0

Files = dict[str, bytes]  # contents by file name in the folder of records


class Slot:
    """A process that lives from task to task.

    A machine that finds the run's token in the output folder shares that folder and works in it. Any other works in a
    scratch folder named by the token and is sent what a job needs.
    """

    def __init__(self, out: Path, token: str) -> None:
        import torch
        import torch._dynamo  # the first optimiser step would import it

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command handles Ctrl-C
        torch.set_num_threads(1)
        self.out, self.scratch, self.shares_folder = out, scratch_folder(token), (out / token).exists()
        self.thread = ThreadPoolExecutor(1)  # one thread for all tasks, because torch's settings are per thread

    def ready(self) -> tuple[str, bool]:
        """Return the machine's id and whether it shares the folder of records."""
        import ray

        return ray.get_runtime_context().get_node_id(), self.shares_folder

    def perform(
        self, task: Task, inputs: Files | None = None, pixels: Sequence[Any] = ()
    ) -> Iterator[bytes | tuple[str, Files]]:
        """Perform a task.

        Args:
            task: The job, and where the command keeps its files.
            inputs: Files that the job needs, if the folder is not shared.
            pixels: Ray's reference to the images' files, if the folder is not shared.

        Yields:
            Without a shared folder, what the part file has grown by, and b"" where it was only touched; at last the
            status and the files that the command lacks.
        """
        from bench.runner import worker

        job, out = task.job, self.out if self.shares_folder else self._prepare_folder(task.job, inputs)
        task = replace(task, out=out)
        if pixels:
            folder = _write_pixels(self.scratch / "cache" / task.source.folder.name, pixels)
            task = replace(task, source=replace(task.source, folder=folder))
        part, sent_bytes, interval_s = store.part_file(out, job), 0, None if self.shares_folder else HEARTBEAT_S
        future = self.thread.submit(worker.perform, task)
        seen_at = None
        while not wait([future], interval_s).done:
            if (touched_at := modified_ns(part)) != seen_at:
                seen_at = touched_at
                yield (growth := _read_from(part, sent_bytes))
                sent_bytes += len(growth)
        status = future.result()
        yield status, {} if status == "elsewhere" else self._read_results(out, job)
        if not self.shares_folder and status != "elsewhere":
            files.remove(out)

    def _prepare_folder(self, job: Job, inputs: Files | None) -> Path:
        """Make a folder for the job alone; files of its last worker, which died after writing them, stay."""
        out = self.scratch / store.path(self.scratch, job).stem
        store.folder(out).mkdir(parents=True, exist_ok=True)
        for name, content in (inputs or {}).items():
            if not (file := store.folder(out) / name).exists():
                files.write(file, content)
        store.part_file(out, job).unlink(missing_ok=True)
        return out

    def _read_results(self, out: Path, job: Job) -> Files:
        weights = [] if self.shares_folder else [store.weights_file(out, job)]
        return {file.name: file.read_bytes() for file in [*weights, store.path(out, job)] if file.exists()}


def scratch_folder(token: str) -> Path:
    """The folder of a machine's slots that do not share the folder of records."""
    return Path(tempfile.gettempdir(), f"ablate{token}")


def remove_scratch_folder(token: str) -> None:
    """Remove this machine's scratch folder, once no slot works in it."""
    files.remove(scratch_folder(token))


def read_inputs(out: Path, job: Job) -> Files:
    """Return the files that a job needs: its earlier record and checkpoint, and the trials of a probe."""
    inputs = [store.path(out, job), store.path(out, job).with_suffix(".checkpoint")]
    for trial in job.trials if isinstance(job, Probe) else ():
        inputs += [store.path(out, trial), store.weights_file(out, trial)]
    return {file.name: file.read_bytes() for file in inputs if file.exists()}


def share_pixels(source: Source) -> list[Any]:
    """Put the files of the images into Ray's store; return the reference in a list, which is fetched on demand only."""
    import numpy as np
    import ray

    # Ray maps arrays into every process of a machine
    return [ray.put({file.name: np.fromfile(file, np.uint8) for file in source.folder.iterdir()})]


def _write_pixels(folder: Path, pixels: Sequence[Any]) -> Path:
    """Write the images' files, unless another slot of this machine has."""
    import ray

    folder.parent.mkdir(parents=True, exist_ok=True)
    with locks.lock(folder.with_name(f"{folder.name}.lock"), timeout_s=-1):
        if not folder.exists():
            temporary = files.temporary_path(folder)
            temporary.mkdir()
            try:
                for name, content in ray.get(pixels[0]).items():
                    files.write(temporary / name, content)
                os.replace(temporary, folder)
            finally:
                files.remove(temporary)
    return folder


def _read_from(file: Path, start: int) -> bytes:
    if not file.exists():
        return b""
    with file.open("rb") as opened:
        opened.seek(start)
        return opened.read()
