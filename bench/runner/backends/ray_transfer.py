"""Transfer between this machine and a slot of a Ray cluster: files to the slot, points and results back."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from filelock import Timeout

from bench.records import store, weights
from bench.runner.backends import ray_worker
from bench.runner.backends.ray_slots import SlotHandle, SlotPool
from bench.runner.task import Task
from bench.spec.jobs import Probe, Trial
from bench.system import files, locks


class RemoteRunner:
    """Performs tasks on the slots of a pool, in the pool's event loop."""

    def __init__(self, pool: SlotPool) -> None:
        self.pool = pool
        self._pixels: list[Any] = []  # Ray's reference, made for the first task that needs it

    async def perform(self, task: Task, timeout_s: float) -> str:
        """Perform a task on a free slot and copy its results here; return the status, as `worker.perform` does."""
        from ray.exceptions import RayTaskError

        try:
            async with self.pool.take_slot(task) as slot, asyncio.timeout(timeout_s):
                return await (self._perform_in_place if slot.shares_folder else self._perform_with_copies)(slot, task)
        except RayTaskError as error:
            raise error.cause from None
        except Timeout:
            return "elsewhere"

    async def _perform_in_place(self, slot: SlotHandle, task: Task) -> str:
        """Let the slot write to the shared folder; write its record here if this machine does not see it yet."""
        ((status, result_files),) = [item async for item in _perform_on(slot, task)]
        for content in result_files.values():
            if (store.read(task.out, task.job) or {}).get("ended") != json.loads(content)["ended"]:
                files.write(store.path(task.out, task.job), content)
        return status

    async def _perform_with_copies(self, slot: SlotHandle, task: Task) -> str:
        """Send the files that the job needs and receive its results, holding the job's lock on this machine."""
        out, job = task.out, task.job
        with locks.lock(store.lock_file(out, job)):
            if not weights.needs_measurement(out, job, task.keep_weights, task.previous_end):
                return store.load(store.path(out, job))["status"]
            part = store.part_file(out, job)
            part.write_bytes(b"")
            async for item in _perform_on(slot, task, ray_worker.read_inputs(out, job), self._shared_pixels(task)):
                if isinstance(item, bytes):
                    with part.open("ab") as file:
                        file.write(item)
                    os.utime(part)
            status, result_files = item
            if status != "elsewhere":
                weights.move_damaged_aside(out, job)
                for name, content in result_files.items():  # the record is the last of them
                    files.write(store.folder(out) / name, content)
                store.remove_unfinished(out, job, status in store.FAILURES)
        return status

    def _shared_pixels(self, task: Task) -> list[Any]:
        if not isinstance(task.job, Trial | Probe):
            return []
        self._pixels = self._pixels or ray_worker.share_pixels(task.source)
        return self._pixels


async def _perform_on(slot: SlotHandle, *arguments: Any) -> AsyncIterator[Any]:
    """Yield the items of `Slot.perform`."""
    async for item in slot.actor.perform.options(num_returns="streaming").remote(*arguments):
        yield await item
