"""The four kinds of job that can be run, and their identity. Standard library only."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from bench import REVISION
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.fields import whole

MAX_IDENTITIES = 2**17  # kept, since the stages of a run ask for those of all jobs again


@dataclass(frozen=True)
class Trial:
    """One training run.

    Attributes:
        model: The network.
        recipe: How it is trained.
        data: The data set.
        seed: Seed of all random streams.
        device: 'cpu' or 'cuda'.
        precision: 'float32' or 'bfloat16'.
        metrics: Qualified names of the metrics that the study file declares, measured beside the harness's own.
    """

    model: ModelConfig
    recipe: TrainConfig
    data: DataConfig
    seed: int
    device: str = "cpu"
    precision: str = "float32"
    metrics: tuple[str, ...] = field(default=(), metadata={"birth": ()})


@dataclass(frozen=True)
class Count:
    """A count of parameters and multiply-accumulates per layer; AlexNet is not allocated for it."""

    model: ModelConfig


@dataclass(frozen=True)
class Timing:
    """Arms timed in turns, in one process.

    Attributes:
        subject: 'activations' (forward and backward of the arm's activation over `sizes` elements, beside a copy of the
            same bytes), 'steps' (a training step of each arm's network on a batch of `sizes` images) or 'layers'
            (forward time of the two parts of each arm's AlexNet, at each batch size).
        arms: Names and networks.
        sizes: Elements or images.
        rounds: Samples of each arm.
        device: 'cpu' or 'cuda'.
        precision: 'float32' or 'bfloat16'.
        threads: Number of processor threads; 0 means one for each core.
    """

    subject: str
    arms: tuple[tuple[str, ModelConfig], ...]
    sizes: tuple[int, ...]
    rounds: int
    device: str = "cpu"
    precision: str = "float32"
    threads: int = field(default=1, metadata={"birth": 1})

    def __post_init__(self) -> None:
        whole("threads", self.threads, 0, 10_000)


@dataclass(frozen=True)
class Probe:
    """A question answered from the weights of finished trials, without training."""

    question: str
    trials: tuple[Trial, ...]


Job = Trial | Count | Timing | Probe


def describe(value: Any) -> Any:
    """Return the fields that make up an identity, as JSON values.

    Tags are omitted, and so are later fields that have the value at which they were introduced.
    """
    if dataclasses.is_dataclass(value):
        levels = {f: getattr(value, f.name) for f in _identity_fields(value.__class__)}
        return {
            f.name: float(level) if f.type is float else describe(level)
            for f, level in levels.items()
            if not ("birth" in f.metadata and level == f.metadata["birth"])
        }
    return [describe(item) for item in value] if isinstance(value, tuple) else value


@cache
def _identity_fields(kind: Any) -> list[dataclasses.Field[Any]]:
    return [f for f in dataclasses.fields(kind) if not f.metadata.get("tag")]


def job_kind(job: Job) -> str:
    """Return 'trial', 'count', 'timing' or 'probe'."""
    return type(job).__name__.lower()


def job_device(job: Job) -> str:
    """Return the kind of device that the job runs on, 'cpu' or 'cuda'."""
    if isinstance(job, Probe):
        return job.trials[0].device
    return "cpu" if isinstance(job, Count) else job.device


@lru_cache(MAX_IDENTITIES)
def identity(job: Job, revision: int = REVISION) -> str:
    """Return sixteen hexadecimal digits that name what the job would measure."""
    text = json.dumps({"revision": revision, "kind": job_kind(job), "job": describe(job)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
