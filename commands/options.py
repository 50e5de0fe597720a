"""What the options of `plan` and `run` name, checked before anything is trained."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablations.framework import discovery
from ablations.framework.profiles import PROFILES, default_profile
from ablations.framework.request import Request
from ablations.framework.request_store import check_output
from ablations.framework.setting import make_setting
from bench.data.source import locate
from bench.runner.backends import ray_cluster
from bench.runner.estimate import Pace
from bench.spec.errors import InputError
from bench.system import devices


def in_cluster(options: argparse.Namespace, command: Callable[..., int], console: Console) -> int:
    with ray_cluster.connected(options.cluster) if clustered(options) else nullcontext():
        return command(options, console)


def clustered(options: argparse.Namespace) -> bool:
    return options.cluster is not None and not imagined(options)


def imagined(options: argparse.Namespace) -> bool:
    """Whether a cluster is told by its number of GPUs, or of processors, alone: enough for a plan."""
    return (options.cluster or "").isdecimal()


def requested(options: argparse.Namespace) -> tuple[Request, Pace]:
    """What the options name, checked before anything is trained, and the pace of what was."""
    if options.seeds is not None and options.seeds < 1:
        raise InputError(f"--seeds is {options.seeds}: it must be 1 or more; below 5 hardly a claim can be decided")
    studies = discovery.find_studies(options.studies)
    device = _device(options)
    profile = default_profile(device) if options.profile == "auto" else options.profile
    source = locate(options.data, options.out, PROFILES[profile].photographs)
    try:
        (options.out / "trials").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{options.out} cannot be made ({error.strerror}): name another folder with --out") from error
    setting = make_setting(profile, options.seeds, source.data, device)
    request = Request(tuple(options.studies), studies, setting, source)
    _check_names(request, options.out)
    return request, check_output(request, options.out)


def _check_names(request: Request, out: Path) -> None:
    """Raise InputError where a job names a level, a question or a subject that nothing implements."""
    from bench.runner.job_check import check_job  # imports torch, which takes seconds, and every worker imports this

    for place in request.with_tuned_levels(out, assume_missing=True).placed_jobs():
        try:
            check_job(place.job)
        except InputError as error:
            arm = f", arm {place.arm!r}" if place.arm else ""
            raise InputError(f"study {place.study}{arm}: {error}") from error


def _device(options: argparse.Namespace) -> str:
    if imagined(options):
        return "cpu" if options.device == "cpu" else "cuda"
    return (ray_cluster if clustered(options) else devices).choose(options.device)


def introduce(request: Request, console: Console) -> None:
    setting, source = request.setting, request.source
    if source.note:
        console.print(Text(f"Note: {source.note}", style="bold yellow"))
    console.print(
        f"{source.data.name}: {source.data.train} train, {source.validation} validation, {source.test} test images; "
        f"profile {setting.profile.name}, {setting.seeds or setting.profile.seeds} seeds, device {setting.device}",
        highlight=False,
    )
