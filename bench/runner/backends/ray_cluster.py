"""Jobs on the machines of a Ray cluster. They are sent out, and their records come back, here: nobody else writes and
publishes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.source import Source
from bench.runner.backends import local
from bench.runner.backends.ray_slots import Crew, knock
from bench.spec.errors import InputError
from bench.spec.jobs import Job, job_device
from bench.system import devices, files, git

PATIENCE = 10.0  # seconds to wait for an address to answer
ENVIRONMENT = {  # before Ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "1",  # of forty seconds each, for a cluster that is not there
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # lines of its log that Ray shows here: what counts is told by `run`
}
HOW = (
    "start one with 'ray start --head', and join it with 'ray start --address=HOST:6379' on each other machine, all "
    "with the same Ray, Python and RAY_AUTH_MODE"
)


@contextmanager
def connected(address: str) -> Iterator[None]:
    """In the cluster at this address; 'local' starts one of this machine's processors, which ends with the command."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise InputError(f"--cluster needs Ray: pip install ray, or '.[ray]' in this repository ({error})") from error
    if address not in ("local", "auto"):
        _reach(address)
    local: dict[str, Any] = {"num_cpus": devices.cores(), "include_dashboard": False} if address == "local" else {}
    before = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address, runtime_env=_environment(), log_to_driver=False, logging_level=logging.ERROR, **local)
    except (OSError, RuntimeError, ray.exceptions.RayError) as error:
        raise InputError(f"no cluster can be used at {address} ({' '.join(str(error).split())}): {HOW}") from error
    finally:
        signal.signal(signal.SIGTERM, before)  # Ray takes it
    try:
        yield
    finally:
        ray.shutdown()


def _reach(address: str) -> None:
    """Raises InputError where nothing answers: Ray would try for minutes."""
    host, _, port = address.rpartition(":")
    if "/" in host or not port.isdecimal():
        raise InputError(
            f"--cluster is {address!r}: it takes HOST:PORT, 'auto' on a machine of the cluster, or 'local'"
        )
    try:
        knock(address, PATIENCE)
    except (OSError, OverflowError) as error:
        raise InputError(f"nothing answers at {address} ({error}): {HOW}") from error


def _environment() -> dict[str, Any]:
    """Of the processes that jobs run in: this very code, wherever they run, and what a worker here would have."""
    told = {name: value for name, value in os.environ.items() if name.startswith("ABLATE_")}
    variables = {**told, **local.ENVIRONMENT, git.TOLD: git.commit()}
    return {"py_modules": [str(Path(__file__).parents[2])], "env_vars": variables}


def choose(wanted: str) -> str:
    """The kind of device that `--device` asks for."""
    return wanted if wanted != "auto" else "cuda" if slots("cuda") else "cpu"


def slots(kind: str) -> int:
    """How many jobs run at once: one a processor, or some a GPU as far as there are processors to feed them."""
    found = [{"CPU": 0, "GPU": 0, **machine} for machine in _machines()]
    if kind == "cpu":
        return sum(int(has["CPU"]) for has in found)
    return sum(min(int(has["CPU"]), int(has["GPU"] * devices.TRIALS_A_GPU)) for has in found)


def demand(todo: Iterable[Job], kind: str) -> None:
    """Raises InputError where a job needs a GPU and no slot has one."""
    if kind == "cpu" and any(job_device(job) == "cuda" for job in todo):
        raise InputError("there are jobs for a GPU: take --device cuda, and a cluster that has GPUs")


def _head() -> str:
    """HOST:PORT."""
    import ray

    return ray.get_runtime_context().gcs_address


def _machines() -> list[dict[str, float]]:
    """What each has."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def opened(source: Source, out: Path, kind: str, tell: Callable[[str], None]) -> Iterator[tuple[local.Schedule, int]]:
    """A function that has a job performed within so many seconds, as `pool` gives one; and how many run at once.

    kind: of the device that jobs need. tell: takes lines for the user.
    """
    if not (count := slots(kind)):
        raise InputError(f"the cluster has no {'processor' if kind == 'cpu' else 'GPU'} to run a job on: {HOW}")
    tell(f"machines in the cluster: {len(_machines())}; jobs at once: {count}")
    out = Path(os.path.abspath(out))  # not resolved: it is to name the same folder elsewhere
    source = replace(source, folder=Path(os.path.abspath(source.folder)))
    token = files.temporary(out / "cluster")
    token.touch()
    crew = Crew(source, out, token.name, kind, count, tell)
    try:
        with _looping() as loop:
            for work in (crew.watch(_head()), *(crew.keep() for _ in range(count))):
                asyncio.run_coroutine_threadsafe(work, loop)

            def schedule(job: Job, _: Source, __: Path, *asked: Any, timeout: float) -> Future[str]:
                if crew.broken:
                    raise crew.broken
                return asyncio.run_coroutine_threadsafe(crew.perform(job, *asked, timeout=timeout), loop)

            yield schedule, count
    finally:
        crew.tidy()
        token.unlink()


@contextmanager
def _looping() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop in a thread of its own; what runs in it at the end is cancelled."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancelled(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancelled() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
