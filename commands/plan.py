"""`ablate plan`: what a run would do, for how long, and what its seeds can decide."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ablations.framework.request import Request
from bench.runner import estimate
from bench.runner.backends import ray_cluster
from bench.runner.pending import kept, missing
from bench.spec.errors import InputError
from bench.spec.jobs import Job
from bench.system import devices
from commands import progress
from commands.options import clustered, imagined, in_cluster, introduce, requested


def show_plan(options: argparse.Namespace, console: Console) -> int:
    return in_cluster(options, _plan, console)


def _plan(options: argparse.Namespace, console: Console) -> int:
    request, pace = requested(options)
    workers = _workers(options, request.setting.device)
    request = request.with_tuned_levels(options.out, assume_missing=True)
    asked = list(request.job_titles())
    todo = missing(asked, options.out)
    introduce(request, console)
    _show_studies(request, options.out, todo, pace, workers, console)
    size, around = estimate.disk_mb(todo, kept(asked, todo)), estimate.around(len(request.studies))
    left, anew = (progress.duration(pace.left(some, workers) + around) for some in (todo, asked))
    sharing = f" ({devices.TRIALS_SHARING} a GPU, beside NVIDIA's Multi-Process Service)" * imagined(options)
    sharing *= request.setting.device == "cuda"
    anew = f" (all {len(asked)} anew: about {anew})" * (len(todo) < len(asked))
    console.print(
        f"{len(todo)} jobs to run (a job that studies share counts once), {workers} at once{sharing}: "
        f"about {left}{anew} and {size:.0f} MB in {options.out}"
    )
    if pace.guesses(todo):
        console.print(
            f"No trial on a {request.setting.device} is done here yet, so the time is a rule of thumb: run a little "
            "(--limit 5m), plan again."
        )
    console.print("What seeds can decide is meant four times in five, at p = .05 before Holm's correction.")
    return 0


def _workers(options: argparse.Namespace, device: str) -> int:
    if imagined(options):
        found = devices.at_once(device, int(options.cluster))
    else:
        found = ray_cluster.slots(device) if clustered(options) else devices.workers(device)
    if not found:
        raise InputError(f"--cluster {options.cluster} has nothing that a job for {device} could run on")
    return found


def _show_studies(
    request: Request, out: Path, todo: list[Job], pace: estimate.Pace, workers: int, console: Console
) -> None:
    from reports.statistics.power import prospects  # only here: it takes seconds, and every worker imports the command

    placed = request.placed_jobs()  # with what tuning tries
    for study in request.studies:
        own = dict.fromkeys(place.job for place in placed if place.study == study.name)
        lacking = [job for job in todo if job in own]
        left = progress.duration(pace.left(lacking, workers))
        console.print(f"{study.name:<14} {len(own):>4} jobs, {len(own) - len(lacking):>4} done, about {left} left")
        for claim, told in prospects(study, request.setting, out):
            console.print(Text(f"    {claim}: {told}"), highlight=False, soft_wrap=True)
