"""The options that `plan` and `run` share, checked before anything is trained."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console

from ablations.framework import discovery
from ablations.framework.profiles import PROFILES, default_profile
from ablations.framework.request import Request
from ablations.framework.request_store import check_output
from ablations.framework.setting import AGAIN_SEED_OFFSET, Setting
from bench.data.source import locate
from bench.runner.backends import ray_cluster, torchrun
from bench.runner.estimate import DurationModel
from bench.spec.errors import InputError
from bench.system import devices

MAX_WORKERS = 1024  # each takes some hundred megabytes


def cluster_connection(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Connect to the cluster that --cluster names, if any."""
    return ray_cluster.connect(options.cluster) if uses_cluster(options) else nullcontext()


def uses_cluster(options: argparse.Namespace) -> bool:
    """Whether --cluster names an address."""
    return options.cluster is not None and not plans_for_gpus(options)


def plans_for_gpus(options: argparse.Namespace) -> bool:
    """Whether --cluster is only a number of GPUs, or of processors, which is enough for a plan."""
    return (options.cluster or "").isdecimal()


def make_request(options: argparse.Namespace) -> tuple[Request, DurationModel]:
    """Return the requested run, and a model of durations from the records in the output folder.

    Raises:
        InputError: An option is invalid, the data cannot be used or the output folder cannot be created.
    """
    if options.seeds is not None and not 1 <= options.seeds <= AGAIN_SEED_OFFSET:
        raise InputError(f"--seeds is {options.seeds}: expected 1 to {AGAIN_SEED_OFFSET}; most verdicts need 5")
    _check_workers(options)
    studies = discovery.find_studies(options.studies)
    device = _choose_device(options)
    profile = default_profile(device) if options.profile == "auto" else options.profile
    source = locate(options.data, options.out, PROFILES[profile].photographs)
    try:
        (options.out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{options.out} cannot be created ({error.strerror}): name another --out folder") from error
    setting = Setting(PROFILES[profile], source.data, device, options.seeds)
    request = Request(tuple(options.studies), studies, setting, source)
    durations = check_output(request, options.out)  # first, because tuned levels are read from the records
    _check_names(request, options.out)
    return request, durations


def _check_workers(options: argparse.Namespace) -> None:
    if options.workers is None:
        return
    if not 1 <= options.workers <= MAX_WORKERS:
        raise InputError(f"--workers is {options.workers}: expected 1 to {MAX_WORKERS}")
    if options.cluster is not None or torchrun.process_count() > 1:
        raise InputError("--workers is for jobs on this machine: leave it out with --cluster and with torchrun")


def _check_names(request: Request, out: Path) -> None:
    """Raise InputError if a level, question or subject of a job has no implementation."""
    from bench.runner.job_check import check_job  # imported late: it imports torch, and every worker imports this

    for place in request.with_tuned_levels(out, assume_missing=True).placed_jobs():
        try:
            check_job(place.job)
        except InputError as error:
            arm = f", arm {place.arm!r}" if place.arm else ""
            raise InputError(f"study {place.study}{arm}: {error}") from error


def _choose_device(options: argparse.Namespace) -> str:
    if plans_for_gpus(options):
        return "cpu" if options.device == "cpu" else "cuda"
    return ray_cluster.choose_device(options.device) if uses_cluster(options) else devices.choose_device(options.device)


def print_setting(request: Request, console: Console) -> None:
    """Print data set, profile, seeds and device."""
    setting, source = request.setting, request.source
    if source.note:
        console.print(f"Note: {source.note}", style="bold yellow")
    console.print(
        f"{source.data.name}: {source.data.train} train, {source.validation} validation, {source.test} test images; "
        f"profile {setting.profile.name}, {setting.seeds or setting.profile.seeds} seeds, device {setting.device}"
    )
