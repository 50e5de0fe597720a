"""Check, before training, that a job's levels, question and subject are implemented, and own components work."""

from functools import lru_cache

from bench.components.activations import ACTIVATIONS
from bench.components.levels import check_levels
from bench.extensions.component import find_qualified_names
from bench.models.check import check_network
from bench.probes.answering import QUESTIONS
from bench.runner.dry_step import check_components
from bench.spec.config import ALEXNET, ModelConfig
from bench.spec.errors import InputError
from bench.spec.fields import one_of
from bench.spec.jobs import Count, Job, Probe, Timing, Trial
from bench.timing.subjects import SUBJECTS

_check_levels = lru_cache(check_levels)  # many trials share a configuration


def check_job(job: Job) -> None:
    """Check every level, question and subject that a job names.

    Raises:
        InputError: A name is not implemented; the message lists the valid ones.
    """
    if isinstance(job, Trial):
        _check_model(job.model)
        _check_levels(job.recipe)
        if find_qualified_names(job):
            check_components(job)
    elif isinstance(job, Count):
        _check_model(job.model)
    elif isinstance(job, Probe):
        one_of("a probe's question", job.question, QUESTIONS)
        for trial in job.trials:
            check_job(trial)
            QUESTIONS[job.question].check(trial.model)
    else:
        _check_timing(job)


def _check_model(model: ModelConfig) -> None:
    _check_levels(model)
    if model.network != ALEXNET:
        check_network(model)


def _check_timing(timing: Timing) -> None:
    one_of("a timing's subject", timing.subject, SUBJECTS)
    for arm, model in timing.arms:
        _check_model(model)
        if model.network != ALEXNET and timing.subject != "steps":
            raise InputError(f"arm {arm!r}: a timing of {timing.subject} takes AlexNet alone; time its network's steps")
        if timing.subject == "activations" and ACTIVATIONS[model.activation].kernel is None:
            raise InputError(f"arm {arm!r}: {model.activation} has no elementwise kernel; time its network's steps")
