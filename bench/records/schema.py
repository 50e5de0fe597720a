"""Types of a record's fields, with limits that no real record reaches."""

from typing import Annotated, Any, Literal, Required

from pydantic import Field
from typing_extensions import TypedDict  # pydantic rejects typing.TypedDict before Python 3.12

from bench.records import store

YEAR_3000_S = 32_503_680_000
MAX_SOURCE = 1_000_000  # characters that define a component
MAX_METRICS = 2_000  # different metrics in a record; 100 layers have 500

Text = Annotated[str, Field(max_length=20_000)]  # twice a study's limit; without one pydantic accepts lone surrogates
Number = Annotated[float, Field(gt=-1e100, lt=1e100)]  # can be squared and summed
Whole = Annotated[int, Field(ge=0, lt=2**53)]  # exact as a float, too
Positive = Annotated[int, Field(ge=1, lt=2**53)]
Seconds = Annotated[float, Field(ge=0, le=YEAR_3000_S)]
MetricName = Annotated[str, Field(pattern="/", max_length=1_000)]
Status = Annotated[str, Field(pattern=f"^({'|'.join(('finished', 'diverged', *store.FAILURES))})$")]
Few = Field(max_length=1_000)
Many = Field(max_length=1_000_000)


class _Tags(TypedDict):
    profiles: Annotated[list[Text], Few]
    studies: Annotated[dict[Text, Annotated[list[Text], Few]], Few]


class _Data(TypedDict):
    name: Text
    digest: Text
    note: Text
    train: Whole
    validation: Whole
    test: Whole
    shared_images: Whole


class _Layer(TypedDict, total=False):
    name: Required[Text]
    kind: Required[Text]
    parameters: Required[Whole]
    macs: Required[Whole]
    shape: Annotated[list[Whole], Few]
    output: Annotated[list[Whole], Few]
    gain: Number | None
    inputs: Text
    activation: Text | None
    normalisation: Text | None
    pooling: Text | None
    dropout: Text | None


class _Network(TypedDict):
    parameters: Positive
    macs: Whole
    layers: Annotated[list[_Layer], Few]


class _Point(TypedDict):
    step: Whole
    epoch: Whole
    time: Seconds
    metrics: Annotated[dict[MetricName, Number], Field(max_length=MAX_METRICS)]


class _Sample(TypedDict):
    arm: Text
    pair: Whole
    metric: Text
    value: Number


class Record(TypedDict, total=False):
    """What a report, a plan or MLflow reads of a record; see store.py."""

    schema: Required[Literal[1, 2]]
    checksum: Text
    identity: Required[Text]
    kind: Required[Literal["trial", "count", "timing", "probe"]]
    job: Required[dict[str, Any]]
    status: Required[Status]
    started: Required[Seconds]
    ended: Required[Seconds]
    reason: Required[Text]
    environment: Required[Annotated[dict[Text, Text | bool | Number | None], Few]]
    tags: _Tags
    data: _Data
    network: _Network
    points: Annotated[list[_Point], Few]
    samples: Annotated[list[_Sample], Many]
    sources: Annotated[dict[Text, Annotated[str, Field(max_length=MAX_SOURCE)]], Few]
    weights: Text
    fit: bool
    why_unfit: Text
