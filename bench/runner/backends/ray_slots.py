"""Slots of a Ray cluster: processes that perform one task at a time; dead ones are replaced, a dead head is noticed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import Timeout

from bench.records import store
from bench.runner.backends import ray_worker
from bench.runner.task import Task
from bench.spec.errors import InputError
from bench.system import devices, locks

MAX_START_FAILURES = 5  # consecutive failures to start a slot
CLEANUP_TIMEOUT_S = 10.0  # a machine that takes longer may be gone
PING_TIMEOUT_S = 60.0  # for a free slot to answer
HEAD_CHECK_INTERVAL_S, MAX_MISSED_CHECKS = 5.0, 3  # the head counts as dead after three missed checks in a row


class SlotHandle(NamedTuple):
    """A running slot.

    Attributes:
        actor: Ray's handle of the process.
        shares_folder: Whether its machine sees the folder of records.
        dead: Set once the slot is found dead; the pool then starts another.
    """

    actor: Any
    shares_folder: bool
    dead: asyncio.Event

    async def is_alive(self) -> bool:
        """Whether the slot answers in time."""
        from ray.exceptions import RayError

        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self.actor.ready.remote()
        except BaseException as error:
            self.dead.set()
            if not isinstance(error, RayError | TimeoutError):
                raise
        return not self.dead.is_set()


class SlotPool:
    """Pool that keeps slots running and provides free ones; all coroutines run in one event loop.

    Attributes:
        error: The reason why no task can be performed any more; None while tasks can be performed.
    """

    def __init__(self, out: Path, token: str, device: str, notify: Callable[[str], None]) -> None:
        import ray

        self.out, self.token, self.notify, self.slot_count = out, token, notify, 0
        gpus = 1 / devices.TRIALS_PER_GPU if device == "cuda" else 0
        options = {"num_cpus": 1, "num_gpus": gpus, "max_restarts": 0, "max_task_retries": 0}
        self.actor_class: Any = ray.remote(ray_worker.Slot).options(**options)
        self.free_slots = asyncio.Queue[SlotHandle]()
        self.unshared_machines = set[str]()  # ids of machines that do not see the folder of records
        self.notices = set[str]()
        self.error: InputError | None = None

    async def keep_slot(self) -> None:
        """Keep one slot running: start another when it dies, as soon as the cluster has room."""
        import ray

        self.slot_count += 1
        failures, reason = 0, ""
        while failures < MAX_START_FAILURES:
            actor = self.actor_class.remote(self.out, self.token)
            try:
                machine, shares_folder = await actor.ready.remote()
                failures = 0
                self._register(machine, shares_folder)
                slot = SlotHandle(actor, shares_folder, asyncio.Event())
                self.free_slots.put_nowait(slot)
                await slot.dead.wait()
            except ray.exceptions.RayError as error:
                failures, reason = failures + 1, str(error).strip().rpartition("\n")[2]
            finally:
                ray.kill(actor)
        self.slot_count -= 1
        text = f"workers of the cluster die as they start ({reason}): check the installation on each machine"
        if self.slot_count:
            self._notify_once(text)
        else:
            self.error = InputError(text)

    async def watch_head(self, head: str) -> None:
        """Set `error` once the cluster's head at HOST:PORT is gone."""
        await wait_until_unreachable(head)
        advice = "start another and run the same command again; finished jobs are kept"
        self.error = InputError(f"the cluster's head at {head} is gone: {advice}")

    def _register(self, machine: str, shares_folder: bool) -> None:
        if not shares_folder:
            self.unshared_machines.add(machine)
            self._notify_once(f"Not every machine sees {self.out}: jobs of a machine that does not restart if it dies")

    def _notify_once(self, text: str) -> None:
        if text not in self.notices:
            self.notices.add(text)
            self.notify(text)

    @asynccontextmanager
    async def take_slot(self, task: Task) -> AsyncIterator[SlotHandle]:
        """Provide a free slot for a task; a task that is cut off takes its slot with it."""
        from ray.exceptions import RayTaskError

        slot = await self._next_slot(task)
        try:
            yield slot
        except (RayTaskError, Timeout):  # the task failed, but the slot works
            self.free_slots.put_nowait(slot)
            raise
        except BaseException:
            slot.dead.set()
            raise
        self.free_slots.put_nowait(slot)

    async def _next_slot(self, task: Task) -> SlotHandle:
        """Wait for a free slot that is alive; touching an empty part file keeps the task's heartbeat meanwhile."""
        while self.error is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(ray_worker.HEARTBEAT_S):
                    slot = await self.free_slots.get()
                if await slot.is_alive():
                    return slot
                continue
            with locks.lock(store.lock_file(self.out, task.job)):
                store.part_file(self.out, task.job).write_bytes(b"")
        raise self.error

    def remove_remote_files(self) -> None:
        """Remove the scratch folders on other machines, as far as these are alive."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remove = ray.remote(ray_worker.remove_scratch_folder)
        places = [NodeAffinitySchedulingStrategy(machine, soft=False) for machine in self.unshared_machines]
        removals = [remove.options(num_cpus=0, scheduling_strategy=place).remote(self.token) for place in places]
        if removals:
            ray.wait(removals, num_returns=len(removals), timeout=CLEANUP_TIMEOUT_S)


async def wait_until_unreachable(head: str) -> None:
    """Return once nothing answers at the head's HOST:PORT: Ray would end this process a minute later, silently."""
    missed_checks = 0
    while missed_checks < MAX_MISSED_CHECKS:
        await asyncio.sleep(HEAD_CHECK_INTERVAL_S)
        try:
            await asyncio.to_thread(check_reachable, head, HEAD_CHECK_INTERVAL_S)
            missed_checks = 0
        except OSError:
            missed_checks += 1


def check_reachable(address: str, timeout_s: float) -> None:
    """Raise OSError if nothing answers at HOST:PORT in time."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
