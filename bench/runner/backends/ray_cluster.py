"""Ray backend: jobs on the machines of a cluster; this process alone receives, stores and publishes their records."""

import asyncio
import logging
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.data.source import Source
from bench.runner.backends.local import WORKER_ENVIRONMENT
from bench.runner.backends.ray_slots import SlotPool, check_reachable
from bench.runner.backends.ray_transfer import RemoteRunner
from bench.runner.task import Submit, Task
from bench.spec.errors import InputError
from bench.spec.jobs import Job, job_device
from bench.system import devices, files, git

CONNECT_TIMEOUT_S = 10.0
RAY_ENVIRONMENT = {  # set before Ray is imported
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_NUM_REDIS_GET_RETRIES": "1",  # each retry takes forty seconds if there is no cluster
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",  # suppresses all lines of Ray's log
}
HOW_TO_START = (
    "start one with 'ray start --head', and join it with 'ray start --address=HOST:6379' on each other machine, all "
    "with the same Ray, Python and RAY_AUTH_MODE"
)


@contextmanager
def connect(address: str) -> Iterator[None]:
    """Connect to the cluster at an address; 'local' starts one on this machine, which ends with the command."""
    for name, value in RAY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise InputError(f"--cluster needs Ray: pip install ray, or '.[ray]' in this repository ({error})") from error
    if address not in ("local", "auto"):
        _check_address(address)
    local: dict[str, Any] = {"num_cpus": devices.core_count(), "include_dashboard": False} if address == "local" else {}
    handler = signal.getsignal(signal.SIGTERM)
    try:
        # Without a working folder of its own, a worker imports from the user's, whatever that holds
        with tempfile.TemporaryDirectory() as empty:
            environment = {"working_dir": empty, **_worker_runtime()}
            ray.init(address, runtime_env=environment, log_to_driver=False, logging_level=logging.ERROR, **local)
    except (OSError, RuntimeError, ray.exceptions.RayError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"no cluster can be used at {address} ({reason}): {HOW_TO_START}") from error
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray replaces the handler
    try:
        yield
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    """Raise InputError if nothing answers at the address, because Ray would retry for minutes."""
    host, _, port = address.rpartition(":")
    if "/" in host or not port.isdecimal():
        raise InputError(
            f"--cluster is {address!r}: expected HOST:PORT, 'auto' on a machine of the cluster, or 'local'"
        )
    try:
        check_reachable(address, CONNECT_TIMEOUT_S)
    except (OSError, OverflowError) as error:
        raise InputError(f"nothing answers at {address} ({error}): {HOW_TO_START}") from error


def _worker_runtime() -> dict[str, Any]:
    """Return Ray's description of a worker process: the code that jobs and study files need, and its environment."""
    project_variables = {name: value for name, value in os.environ.items() if name.startswith("ABLATE_")}
    variables = {**project_variables, **WORKER_ENVIRONMENT, git.COMMIT_VARIABLE: git.commit()}
    project = Path(__file__).parents[3]
    return {"py_modules": [str(project / name) for name in ("bench", "ablations")], "env_vars": variables}


def choose_device(device: str) -> str:
    """Resolve 'auto' to 'cuda' if the cluster has GPUs, else to 'cpu'."""
    return device if device != "auto" else "cuda" if count_slots("cuda") else "cpu"


def count_slots(device: str) -> int:
    """Return the number of parallel jobs: one per processor, or several per GPU if processors suffice to feed them."""
    machines = [{"CPU": 0, "GPU": 0, **machine} for machine in _machine_resources()]
    if device == "cpu":
        return sum(int(machine["CPU"]) for machine in machines)
    return sum(min(int(machine["CPU"]), int(machine["GPU"] * devices.TRIALS_PER_GPU)) for machine in machines)


def check_jobs(jobs: Iterable[Job], device: str) -> None:
    """Raise InputError if a job needs a GPU and the slots have none."""
    if device == "cpu" and any(job_device(job) == "cuda" for job in jobs):
        raise InputError("some jobs need a GPU: use --device cuda and a cluster with GPUs")


def _machine_resources() -> list[dict[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def open_slots(source: Source, out: Path, device: str, notify: Callable[[str], None]) -> Iterator[tuple[Submit, int]]:
    """Provide a function that performs tasks on the cluster, and the number of tasks that it performs in parallel.

    Args:
        source: Images of trials and probes.
        out: Output folder.
        device: Kind of device that jobs need, 'cpu' or 'cuda'.
        notify: Receives lines for the user.

    Raises:
        InputError: The cluster has no such device; or, when a task is submitted, its head or all slots are dead.
    """
    if not (slot_count := count_slots(device)):
        unit = "processor" if device == "cpu" else "GPU"
        raise InputError(f"the cluster has no {unit} to run a job on: {HOW_TO_START}")
    notify(f"machines in the cluster: {len(_machine_resources())}; parallel jobs: {slot_count}")
    import ray  # absent where there is no cluster

    head = ray.get_runtime_context().gcs_address
    out = Path(os.path.abspath(out))  # links are kept, because other machines may see the folder by this path only
    source = replace(source, folder=Path(os.path.abspath(source.folder)))
    token = files.temporary_path(out / "cluster")
    token.touch()
    pool = SlotPool(out, token.name, device, notify)
    runner = RemoteRunner(pool)
    try:
        with _event_loop() as loop:
            for coroutine in (pool.watch_head(head), *(pool.keep_slot() for _ in range(slot_count))):
                asyncio.run_coroutine_threadsafe(coroutine, loop)

            def submit(task: Task, timeout_s: float) -> Future[str]:
                if pool.error:
                    raise pool.error
                return asyncio.run_coroutine_threadsafe(
                    runner.perform(replace(task, source=source, out=out), timeout_s), loop
                )

            yield submit, slot_count
    finally:
        pool.remove_remote_files()
        token.unlink()


@contextmanager
def _event_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """Run an event loop in a separate thread; at the end cancel its remaining tasks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_cancel_tasks(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _cancel_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
