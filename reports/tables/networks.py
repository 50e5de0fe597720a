"""The networks under test, by name."""

from collections.abc import Iterable

from ablations.framework.waves import PlacedJob
from bench.spec.config import ModelConfig
from bench.spec.jobs import Job, Probe, Timing
from bench.spec.qualified_names import is_qualified, plain_name

ALEXNET_NAME = "AlexNet"
MAX_TITLE_NETWORKS = 3


def name_networks(places: Iterable[PlacedJob]) -> list[str]:
    """Return the names of the networks under test: 'AlexNet' in its own layouts, and what study files declare."""
    return list(dict.fromkeys(_name_network(model) for place in places for model in _list_models(place.job)))


def tests_alexnet(places: Iterable[PlacedJob]) -> bool:
    """Whether AlexNet is one of the networks under test."""
    return ALEXNET_NAME in name_networks(places)


def report_title(places: Iterable[PlacedJob]) -> str:
    """Return the title of a report, which names its networks unless they are many."""
    names = name_networks(places)
    if not 0 < len(names) <= MAX_TITLE_NETWORKS:
        return "Claims and verdicts"
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed}: claims and verdicts"


def _list_models(job: Job) -> list[ModelConfig]:
    if isinstance(job, Probe):
        return [trial.model for trial in job.trials]
    return [model for _, model in job.arms] if isinstance(job, Timing) else [job.model]


def _name_network(model: ModelConfig) -> str:
    _, name = model.architecture
    return plain_name(name) if model.is_declared or is_qualified(name) else ALEXNET_NAME
