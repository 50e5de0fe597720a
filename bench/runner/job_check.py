"""Check, before training, that a job's levels, question and subject are implemented, and own components work."""

from collections.abc import Mapping
from functools import lru_cache

from bench.components.levels import check_levels
from bench.extensions.component import find_qualified_names
from bench.models.network_check import check_network
from bench.probes.answering import QUESTIONS
from bench.runner.dry_step import check_components
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.fields import one_of
from bench.spec.jobs import Count, Job, Probe, Trial
from bench.system.process_settings import keep_process_settings
from bench.timing.subjects import SUBJECTS, check_arms

_check_levels = lru_cache(check_levels)  # many trials share a configuration


def check_job(job: Job) -> None:
    """Check every level, question and subject that a job names.

    Raises:
        InputError: A name is not implemented; the message lists the valid ones.
    """
    if isinstance(job, Trial):
        with keep_process_settings():
            _check_model(job.model)
            _check_levels(job.recipe)
            if {*find_qualified_names(job)} - {job.model.network}:  # `check_network` has taken a declared one's step
                check_components(job)
    elif isinstance(job, Count):
        _check_model(job.model)
    elif isinstance(job, Probe):
        one_of("a probe's question", job.question, QUESTIONS)
        for trial in job.trials:
            check_job(trial)
            QUESTIONS[job.question].check(trial.model)
    else:
        one_of("a timing's subject", job.subject, SUBJECTS)
        for _, model in job.arms:
            _check_model(model)
        check_arms(job)


def find_equal_arms(arms: Mapping[str, Trial]) -> tuple[str, str] | None:
    """Return two arms whose declared networks differ in a factor, and compute the same all the same; None without."""
    seen: dict[tuple[TrainConfig, str], tuple[str, ModelConfig]] = {}
    for arm, trial in arms.items():
        if trial.model.is_declared:
            other, model = seen.setdefault((trial.recipe, check_network(trial.model)), (arm, trial.model))
            if model != trial.model:
                return other, arm
    return None


def _check_model(model: ModelConfig) -> None:
    _check_levels(model)
    if model.is_declared:
        check_network(model)
