"""What a study file declares besides its study, as plain data that needs no code."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache

from bench.components.networks import Factor
from bench.metrics.registry import METRICS, Metric, recorded_name
from bench.metrics.table import find_metric
from bench.spec.config import TrainConfig
from bench.spec.errors import InputError
from bench.spec.fields import within
from bench.spec.jobs import MAX_IDENTITIES, Job, describe
from bench.spec.qualified_names import DIGEST, qualify

NAME = re.compile(r"\w[\w .-]{0,99}")
MAX_LABEL = 200  # letters of a metric's label
BUILT_IN = frozenset(METRICS)  # names of the harness's own metrics
# Columns of the table of trials
COLUMNS = {"study", "arm", "pair", "seed", "identity", "status", "precision", "parameters", "macs", "seconds"}
RESERVED = {parameter.name for parameter in fields(TrainConfig)} | {"network", "device", "classes"} | COLUMNS
QUALIFIED = re.compile(rf'(?<=")[^"@\\]+@{DIGEST}(?=")')  # in the JSON of a job


@dataclass(frozen=True)
class Component:
    """A level of a factor, a network or a metric that a study file declares.

    Attributes:
        kind: The factor, such as 'activation'; 'network' or 'metric'.
        name: Its name in the study file.
        digest: Digest of the code that defines it; see `bench.extensions.digest`.
        source: The text of that code.
        size: Side of the input of a network or layout, pixels.
        square_px: Side of the squares that photographs are cut to for it; 0 for small images.
        factors: The factors of a network.
        metric: How a metric is shown, and which values are possible.
    """

    kind: str
    name: str
    digest: str
    source: str
    size: int = 0
    square_px: int = 0
    factors: Mapping[str, Factor] = field(default_factory=dict)
    metric: Metric | None = None

    def __post_init__(self) -> None:
        if not (NAME.fullmatch(self.name) and re.fullmatch(DIGEST, self.digest)):
            raise InputError(f"{self.kind} {self.name!r}: its name or its digest {self.digest!r} is invalid")
        if taken := [name for name in self.factors if name in RESERVED]:
            problem = f"{self.kind} {self.name!r}: a recipe or a table of trials uses the name of factor {taken[0]!r}"
            raise InputError(f"{problem}: rename the parameter")
        if self.metric is not None:
            _check_metric(f"metric {self.name!r}", recorded_name(self.name), self.metric)

    @property
    def qualified_name(self) -> str:
        """Its name in configurations and records, which states what code was used."""
        return qualify(self.name, self.digest)


def check_name(kind: str, name: object) -> None:
    """Raise InputError unless a study file can give a component this name."""
    decorator = "optimizer" if kind == "optimiser" else kind
    if callable(name):
        raise InputError(f"@{decorator} lacks a name: write @{decorator}({getattr(name, '__name__', 'name')!r})")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InputError(f"{kind} {name!r}: a name is made of letters, digits, spaces, '_', '.' and '-'")


@lru_cache(MAX_IDENTITIES)
def find_qualified_names(job: Job) -> tuple[str, ...]:
    """Return the qualified names of the components that a job uses."""
    return tuple(sorted(set(QUALIFIED.findall(json.dumps(describe(job), ensure_ascii=False)))))


def register_metric(component: Component) -> None:
    """Enter a declared metric into the table of all metrics."""
    if component.metric is not None:
        label = component.metric.label.replace("{", "{{").replace("}", "}}")  # braces stand for a part of the name
        METRICS[recorded_name(component.name)] = component.metric._replace(label=label)
        find_metric.cache_clear()


def _check_metric(subject: str, name: str, metric: Metric) -> None:
    if name in BUILT_IN:
        raise InputError(f"{subject} exists already: choose another name")
    within(f"{subject}: factor", metric.factor, 1e-9, 1e9)
    for text in (metric.label, metric.unit):
        if not (isinstance(text, str) and text.isprintable() and len(text) <= MAX_LABEL):
            raise InputError(f"{subject}: {text!r} is no label or unit: expected at most {MAX_LABEL} printable letters")
    if metric.shown_range is not None and not metric.shown_range[0] < metric.shown_range[1]:
        raise InputError(f"{subject}: its range is {metric.shown_range}: the first must be below the second")
