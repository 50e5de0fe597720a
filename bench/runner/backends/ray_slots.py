"""The slots of a cluster, and what a job goes through between this machine and theirs."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from bench.data.source import Source
from bench.records import store
from bench.runner.backends import ray_worker
from bench.runner.backends.ray_worker import BEAT
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Probe, Trial
from bench.system import devices, files

STARTS = 5  # of a slot that dies as it starts
PATIENCE = 60.0  # seconds for a free slot to answer
PULSE, MISSED = 5.0, 3  # seconds between two questions to the head; how many in a row may go without an answer
LEAVE = 10.0  # seconds to wait at the end for machines that may be gone


class Member(NamedTuple):
    """A slot that runs. actor: Ray's handle. shares: whether its machine sees the folder of records. gone: told to
    `keep`, which makes another one."""

    actor: Any
    shares: bool
    gone: asyncio.Event


class Crew:
    """Use all but `tidy` in one event loop."""

    def __init__(
        self, source: Source, out: Path, token: str, kind: str, count: int, tell: Callable[[str], None]
    ) -> None:
        import ray

        self.source, self.out, self.token, self.tell, self.kept = source, out, token, tell, count
        gpus = 1 / devices.TRIALS_A_GPU if kind == "cuda" else 0
        self.slot: Any = ray.remote(ray_worker.Slot).options(
            num_cpus=1, num_gpus=gpus, max_restarts=0, max_task_retries=0
        )
        self.free = asyncio.Queue[Member]()
        self.strangers = set[str]()  # machines that do not share the folder
        self.pixels: list[Any] = []
        self.said = set[str]()
        self.broken: InputError | None = None

    async def keep(self) -> None:
        """Keep one slot running: where it is gone another one is made, for which the cluster may have no room yet."""
        import ray

        failures, why = 0, ""
        while failures < STARTS:
            actor = self.slot.remote(self.out, self.token)
            try:
                machine, shares = await actor.ready.remote()
                failures = 0
                self._welcome(machine, shares)
                self.free.put_nowait(member := Member(actor, shares, asyncio.Event()))
                await member.gone.wait()
            except ray.exceptions.RayError as error:
                failures, why = failures + 1, str(error).strip().rpartition("\n")[2]
            finally:
                ray.kill(actor)
        self.kept -= 1
        told = f"workers of the cluster die as they start ({why}): is all installed on each machine?"
        if self.kept:
            self._say(told)
        else:
            self.broken = InputError(told)

    async def watch(self, head: str) -> None:
        """Until the cluster's head, HOST:PORT, is gone: Ray would end this process a minute later, without a word."""
        missed = 0
        while missed < MISSED:
            await asyncio.sleep(PULSE)
            try:
                await asyncio.to_thread(knock, head, PULSE)
                missed = 0
            except OSError:
                missed += 1
        how = "start another; what is finished is kept, and the same command goes on"
        self.broken = InputError(f"the cluster's head at {head} is gone: {how}")

    def _welcome(self, machine: str, shares: bool) -> None:
        if not shares:
            self.strangers.add(machine)
            self._say(f"Not every machine sees {self.out}: where one dies that does not, its jobs start anew")

    def _say(self, told: str) -> None:
        """Once."""
        if told not in self.said:
            self.said.add(told)
            self.tell(told)

    async def perform(self, job: Job, keep_weights: bool, seen: float | None, *, timeout: float) -> str:
        """As `work.perform`, on some machine, from where the files come here."""
        from ray.exceptions import RayTaskError

        try:
            async with self._held(job) as member, asyncio.timeout(timeout):
                return await (self._there if member.shares else self._carried)(member, job, keep_weights, seen)
        except RayTaskError as error:
            raise error.cause from None
        except Timeout:
            return "elsewhere"

    @asynccontextmanager
    async def _held(self, job: Job) -> AsyncIterator[Member]:
        """A slot, free again where nothing is wrong with it; a job that is cut off goes with its slot."""
        from ray.exceptions import RayTaskError

        member = await self._next(job)
        try:
            yield member
        except (RayTaskError, Timeout):  # that is between the job and its files
            self.free.put_nowait(member)
            raise
        except BaseException:
            member.gone.set()
            raise
        self.free.put_nowait(member)

    async def _next(self, job: Job) -> Member:
        """A free slot that lives. Until there is one the job's part file gives the signs of life that are waited for,
        empty: what an earlier run left there is not news."""
        while self.broken is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    member = await self.free.get()
                if await _alive(member):
                    return member
                continue
            with FileLock(store.lock(self.out, job), timeout=0):
                store.part(self.out, job).write_bytes(b"")
        raise self.broken

    async def _there(self, member: Member, job: Job, *asked: Any) -> str:
        """In the folder itself; the record may not be in this machine's sight of it yet."""
        ((status, found),) = [told async for told in _performed(member, job, self.source, *asked)]
        for content in found.values():
            if (store.read(self.out, job) or {}).get("ended") != json.loads(content)["ended"]:
                files.write(store.path(self.out, job), content)
        return status

    async def _carried(self, member: Member, job: Job, keep_weights: bool, seen: float | None) -> str:
        """With all that the job needs, there, and what came of it back; meanwhile the job is locked here."""
        with FileLock(store.lock(self.out, job), timeout=0):
            if not store.due(self.out, job, keep_weights, seen):
                return store.load(store.path(self.out, job))["status"]
            part = store.part(self.out, job)
            part.write_bytes(b"")
            given, pixels = ray_worker.needed(self.out, job), self._pixels(job)
            async for told in _performed(member, job, self.source, keep_weights, seen, given, pixels):
                if isinstance(told, bytes):
                    _append(part, told)
            status, found = told
            if status != "elsewhere":
                for name, content in found.items():  # the record last
                    files.write(store.folder(self.out) / name, content)
                store.clear(self.out, job, status in store.FAILURES)
        return status

    def _pixels(self, job: Job) -> list[Any]:
        """Handed to Ray once."""
        if not isinstance(job, Trial | Probe):
            return []
        self.pixels = self.pixels or ray_worker.packed(self.source)
        return self.pixels

    def tidy(self) -> None:
        """Remove what lies on other machines, as far as they are there."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        remove = ray.remote(ray_worker.tidy)
        there = [NodeAffinitySchedulingStrategy(machine, soft=False) for machine in self.strangers]
        removed = [remove.options(num_cpus=0, scheduling_strategy=place).remote(self.token) for place in there]
        if removed:
            ray.wait(removed, num_returns=len(removed), timeout=LEAVE)


def knock(address: str, seconds: float) -> None:
    """Raises OSError where nothing answers at HOST:PORT for so long."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), seconds).close()


async def _alive(member: Member) -> bool:
    from ray.exceptions import RayError

    try:
        async with asyncio.timeout(PATIENCE):
            await member.actor.ready.remote()
    except BaseException as error:
        member.gone.set()
        if not isinstance(error, RayError | TimeoutError):
            raise
    return not member.gone.is_set()


async def _performed(member: Member, *asked: Any) -> AsyncIterator[Any]:
    """What `Slot.perform` yields."""
    async for told in member.actor.perform.options(num_returns="streaming").remote(*asked):
        yield await told


def _append(part: Path, grown: bytes) -> None:
    with part.open("ab") as file:
        file.write(grown)
    os.utime(part)
