"""The options that `plan` and `run` share, checked before anything is trained."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from ablations import ModelConfig, Study
from ablations.framework import discovery
from ablations.framework.profiles import AGAIN_SEED_OFFSET, PROFILES, Profile, Setting, default_profile
from ablations.framework.request import Request
from ablations.framework.request_store import check_output, prepare_output, stored_extra_seeds
from ablations.framework.seeds import INTERIM_ANALYSES
from ablations.framework.study_files import guard_process
from bench.components.layouts import LAYOUTS
from bench.data.source import Source, locate
from bench.extensions.component import find_qualified_names
from bench.records import store
from bench.runner.backends import local, ray_cluster, torchrun
from bench.runner.estimate import DurationModel
from bench.spec.errors import InputError
from bench.spec.jobs import Trial
from bench.system import devices
from bench.system.files import disk_fault
from commands.doctor import advise

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


def make_request(options: argparse.Namespace, console: Console, writes: bool) -> tuple[Request, DurationModel]:
    """Return the requested run, and a model of durations from the records in the output folder.

    Data set, profile, seeds and device are printed first, since many jobs take seconds to make.

    Args:
        options: The options of the command.
        console: Console to print to.
        writes: Whether the command needs to write into the output folder.

    Raises:
        InputError: An option is invalid, the data cannot be used or the output folder cannot be written.
    """
    if options.seeds is not None and not 1 <= options.seeds <= AGAIN_SEED_OFFSET:
        raise InputError(f"--seeds is {options.seeds}: expected 1 to {AGAIN_SEED_OFFSET}; most verdicts need 5")
    _check_workers(options)
    declared = {study.name: study for study in options.studies if isinstance(study, Study)}  # by a call
    study_names = tuple(study.name if isinstance(study, Study) else study for study in options.studies)
    studies = discovery.find_studies(study_names, declared)
    device = _choose_device(options)
    if writes and not uses_cluster(options) and torchrun.process_count() == 1:
        local.check_room(options.workers or devices.worker_count(device))
    profile = default_profile(device) if options.profile == "auto" else options.profile
    source = _locate(options, PROFILES[profile].photographs, writes)
    precision = devices.choose_precision(options.precision, device)
    setting = Setting(PROFILES[profile], source.data, device, precision, options.seeds)
    if not study_names and (suitable := _leave_out_small(studies, setting.profile, console)) != studies:
        studies, study_names = suitable, tuple(study.name for study in suitable)
    request = Request(study_names, studies, setting, source)
    if torchrun.is_leader():
        _print_setting(request, console)
    durations, note = check_output(request, options.out)  # first, because tuned levels are read from the records
    if note and torchrun.is_leader():
        console.print(f"Note: {note}", style="bold yellow")
    request = request.with_seeds(stored_extra_seeds(request, options.out))
    _check_names(request, options.out, console)
    return request, durations


def _leave_out_small(studies: list[Study], profile: Profile, console: Console) -> list[Study]:
    """Return the studies that suit the profile: for photographs all but those of small images, which are printed."""
    left_out = []
    for study in studies if profile.photographs else ():
        layout_names = [{**study.base, **levels}.get("layout", ModelConfig.layout) for levels in study.arms.values()]
        layouts = [LAYOUTS.get(profile.layouts.get(name, name)) for name in layout_names]
        if study.recipe or any(layout and not layout.square_px for layout in layouts):
            left_out.append(study)
    if left_out:
        names = ", ".join(study.name for study in left_out)
        console.print(f"Left out, since profile {profile.name} is for photographs: {names}")
    return [study for study in studies if study not in left_out]


def _locate(options: argparse.Namespace, photographs: bool, writes: bool) -> Source:
    """Locate the data.

    A command that only reads also accepts an output folder that cannot be written: images that are not decoded there
    are decoded in a temporary folder, and the note says so.
    """
    source = None
    try:
        source = locate(options.data, options.out, photographs)
        prepare_output(options.out)
    except OSError as error:
        advice = advise(error) or "name another folder with --out"
        problem = f"{options.out} cannot be created or written ({error}): {advice}"
        if writes or disk_fault(error) not in ("denied", "failing", "lockless"):
            raise InputError(problem) from error
        with TemporaryDirectory() as scratch:
            source = source or locate(options.data, Path(scratch), photographs)
        return replace(source, note=f"{source.note} {problem}".strip())
    return source


def _check_workers(options: argparse.Namespace) -> None:
    if options.workers is None:
        return
    if not 1 <= options.workers <= MAX_WORKERS:
        raise InputError(f"--workers is {options.workers}: expected 1 to {MAX_WORKERS}")
    if options.cluster is not None or torchrun.process_count() > 1:
        raise InputError("--workers is for jobs on this machine: leave it out with --cluster and with torchrun")


def _check_names(request: Request, out: Path, console: Console) -> None:
    """Raise InputError if a job cannot be run as it is declared; print a note on a factor that changes no network."""
    from bench.models.user_error import describe_user_error
    from bench.runner.job_check import check_job, find_equal_arms  # imported late: torch takes seconds

    trials: dict[str, dict[str, Trial]] = {}
    for place in request.with_tuned_levels(partial(store.read, out), assume_missing=True).placed_jobs():
        subject = f"study {place.study}" + f", arm {place.arm!r}" * bool(place.arm)
        has_components = bool(find_qualified_names(place.job))
        try:
            with guard_process(f"checking {subject}") if has_components else nullcontext():
                check_job(place.job)
        except InputError as error:
            raise InputError(f"{subject}: {error}") from error
        except (KeyboardInterrupt, MemoryError):
            raise
        except BaseException as error:  # not every exception that a component may raise is an Exception
            if not has_components:
                raise
            raise InputError(f"{subject}: a component fails: {describe_user_error(error)}") from error
        if isinstance(place.job, Trial):
            trials.setdefault(place.study, {}).setdefault(place.arm, place.job)
    for study, arms in trials.items() if torchrun.is_leader() else ():
        if equal_arms := find_equal_arms(arms):
            problem = (
                f"arms {' and '.join(map(repr, equal_arms))} differ in a factor, but their networks compute the same"
            )
            console.print(f"Note: study {study}: {problem}: does the network use the factor?", style="bold yellow")


def _choose_device(options: argparse.Namespace) -> str:
    if plans_for_gpus(options):
        return "cpu" if options.device == "cpu" else "cuda"
    return ray_cluster.choose_device(options.device) if uses_cluster(options) else devices.choose_device(options.device)


def _print_setting(request: Request, console: Console) -> None:
    """Print data set, profile, seeds, device and precision."""
    setting, source = request.setting, request.source
    if source.note:
        console.print(f"Note: {source.note}", style="bold yellow")
    counts = f"{source.data.train} train, {source.validation} validation, {source.test} test images"
    seeds = f"{setting.seeds or setting.profile.seeds} seeds"
    if setting.seeds is None and setting.profile.seeds >= INTERIM_ANALYSES[0]:
        seeds += f" (stated comparisons: looks at {', '.join(map(str, INTERIM_ANALYSES))})"
    budget = f"profile {setting.profile.name}, {seeds}"
    console.print(f"{source.data.name}: {counts}; {budget}, device {setting.device}, {setting.precision}")
