"""Check, before training, that a job's levels, question and subject are implemented, and own components work."""

from functools import lru_cache

from bench.components.levels import check_levels
from bench.extensions.component import find_qualified_names
from bench.models.network_check import check_network
from bench.probes.answering import QUESTIONS
from bench.runner.dry_step import check_components
from bench.spec.config import ModelConfig
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
        one_of("a timing's subject", job.subject, SUBJECTS)
        for _, model in job.arms:
            _check_model(model)
        check_arms(job)


def _check_model(model: ModelConfig) -> None:
    _check_levels(model)
    if model.is_declared:
        check_network(model)
