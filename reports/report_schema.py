"""The content of report.json as types, from which docs/report.schema.json is generated.

`python -m reports.report_schema > docs/report.schema.json` renews the file.
"""

import json
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import TypedDict  # pydantic rejects typing.TypedDict before Python 3.12

from reports.sections.controls import ControlResult
from reports.statistics.claim_verdicts import Verdict
from reports.statistics.paired_tests import Interval, Method

VERSION: Final = 1  # raised when a field is removed or changes its meaning


def _about(description: str) -> Any:
    return Field(description=description)


_closed = with_config(ConfigDict(extra="forbid"))  # a field that is not declared is an error


@_closed
class ContrastJson(TypedDict):
    """A comparison of two arms, and the difference that matters."""

    metric: Annotated[str, _about("Name of the metric that is compared, such as 'test/accuracy'.")]
    arm: Annotated[str, _about("Name of the arm, of a combination of arms, or of a part of a probe's answer.")]
    reference: Annotated[str | float, _about("What the arm is compared with: such a name, or a constant.")]
    margin: Annotated[float, _about("Smallest difference that matters, in the part's `unit`; a factor with `ratio`.")]
    direction: Annotated[Literal["higher", "lower", "equal"], _about("What the claim says of the arm.")]
    ratio: Annotated[bool, _about("Whether the arm's value is divided by the reference's, else subtracted.")]


@_closed
class ExactJson(TypedDict):
    """Bounds on a number that is counted, not sampled: low <= value < high."""

    metric: Annotated[str, _about("Name of the counted metric, such as 'parameters/total'.")]
    arm: Annotated[str, _about("Name of one of the study's counts.")]
    low: Annotated[float, _about("Lower bound, included, in the metric's stored unit: shares are fractions.")]
    high: Annotated[float, _about("Upper bound, excluded, likewise.")]
    reference: Annotated[str | float, _about("Count by which the arm's metric is divided; '' for the metric itself.")]


@_closed
class NumbersJson(TypedDict):
    """What was measured. Differences are arm minus reference, or arm over reference, whatever the claim says."""

    estimate: Annotated[float | None, _about("Mean difference or ratio, or count, in `unit`; of timings the median.")]
    interval: Annotated[Interval | None, _about("95 % interval, low and high, in `unit`; null if none can be given.")]
    ninety: Annotated[Interval | None, _about("90 % interval, likewise.")]
    margin: Annotated[float | None, _about("Smallest difference that matters, in `unit`; null for a count.")]
    unit: Annotated[str, _about("'points' are hundredths of an accuracy; a ratio's unit is the multiplication sign.")]
    pairs: Annotated[int, _about("Number of pairs of seeds, or of rounds of a timing.")]
    look: Annotated[int | None, _about("Number of the last interim analysis; 0 before the first, null without any.")]
    p_value: Annotated[float | None, _about("Two-sided p against no difference; null if nothing was tested.")]
    p_holm: Annotated[float | None, _about("The same after Holm's correction over the family of claims.")]
    trials: Annotated[list[str], _about("Identities of the jobs that measured: names of records in trials/.")]


@_closed
class PartJson(NumbersJson):
    """A comparison or count of a claim, with its own verdict."""

    part: Annotated[ContrastJson | ExactJson, _about("What is compared or counted.")]
    verdict: Annotated[Verdict, _about("Verdict on this part alone.")]
    reason: Annotated[str, _about("Why, in a phrase for people.")]
    method: Annotated[Method, _about("Test that p and the intervals come from, where something was tested.")]
    sign_flip_p: Annotated[float | None, _about("Two-sided p of the sign-flip test, without correction.")]
    effect_size: Annotated[float | None, _about("Cohen's d_z; of the logarithms for a ratio.")]
    improvement: Annotated[float | None, _about("Fraction of pairs that differ as claimed; a tie counts one half.")]
    correlation: Annotated[float | None, _about("Pearson's r across the pairs.")]
    needed: Annotated[int | None, _about("Pairs for a power of 0.8 to show the margin; null if unknown or many.")]
    censored: Annotated[int, _about("Number of values that were not reached within the budget.")]
    missing: Annotated[int, _about("Number of pairs that failed or were not run.")]
    diverged: Annotated[int, _about("Number of diverged trials among the pairs; they count at chance.")]
    waiting: Annotated[int, _about("Number of measured pairs that the next interim analysis will judge.")]
    differences: Annotated[list[float], _about("Difference, or ratio, of each pair, in `unit`.")]


@_closed
class InteractionJson(TypedDict):
    """Difference between the paired differences of a check and those of the stated setting; a factor for ratios."""

    estimate: Annotated[float, _about("Mean, in the check's `unit`.")]
    interval: Annotated[Interval, _about("95 % interval, low and high, likewise.")]
    p_holm: Annotated[float, _about("Two-sided p after Holm's correction.")]


@_closed
class CheckJson(PartJson):
    """A robustness check: the comparison in another setting. It never changes the claim's verdict."""

    name: Annotated[str, _about("Name of the setting.")]
    differs: Annotated[bool, _about("Whether the check is shown to differ from the stated setting.")]
    interaction: Annotated[InteractionJson | None, _about("How far it differs; null if the two cannot be paired.")]
    is_same_trials: Annotated[bool, _about("Whether its trials are those of the stated setting.")]


@_closed
class RequirementJson(TypedDict):
    """A precondition: where an arm's mean must lie for the claim to be testable."""

    metric: Annotated[str, _about("Name of the metric.")]
    arm: Annotated[str, _about("Name of the arm.")]
    at_least: Annotated[float | None, _about("Lower bound of the mean, included, in the unit shown: accuracies in %.")]
    at_most: Annotated[float | None, _about("Upper bound, likewise.")]
    advice: Annotated[str, _about("What would help where it is not met, or ''.")]
    value: Annotated[float | None, _about("Measured mean, in the same unit; null if unmeasured.")]
    is_met: Annotated[bool | None, _about("Whether the mean lies within the bounds; null if unmeasured.")]


@_closed
class PublishedJson(TypedDict):
    """A published result, which decides nothing."""

    value: Annotated[str, _about("The result as published.")]
    source: Annotated[str, _about("Paper and table.")]


@_closed
class ClaimJson(NumbersJson):
    """A claim and its verdict. The numbers are those of the stated part that decided."""

    id: Annotated[str, _about("Short name.")]
    study: Annotated[str, _about("Name of the study.")]
    sentence: Annotated[str, _about("The claim in words.")]
    kind: Annotated[Literal["claim", "literature", "control"], _about("'literature' was published, not claimed.")]
    setting: Annotated[str, _about("The stated setting: network, data and recipe; or ''.")]
    verdict: Annotated[Verdict, _about("The verdict, by the stated parts and preconditions alone.")]
    reason: Annotated[str, _about("Why, in a phrase for people.")]
    deciding: Annotated[int, _about("Index in `stated` of the part that decided.")]
    stated: Annotated[list[PartJson], _about("The parts that the claim states; all must hold.")]
    requirements: Annotated[list[RequirementJson], _about("Preconditions.")]
    checks: Annotated[list[CheckJson], _about("Robustness checks.")]
    published: Annotated[list[PublishedJson], _about("Published results beside it.")]
    caveat: Annotated[str, _about("What a reader must know to interpret the verdict, or ''.")]
    origin: Annotated[str, _about("How the environments of its records differ, in a sentence; '' if they do not.")]
    origins: Annotated[dict[str, list[str]], _about("The differing fields of `environments`, with their values.")]


@_closed
class ControlJson(ClaimJson):
    """A control: the baseline against itself, or shuffled labels."""

    result: Annotated[ControlResult, _about("Whether it came out as it should. 'unexpected' puts verdicts in doubt.")]


@_closed
class EnvironmentJson(TypedDict, total=False):
    """Where records were measured; empty for a failure that left no environment."""

    commit: Annotated[str, _about("Commit of this harness; '' outside a checkout.")]
    torch: Annotated[str, _about("Version of torch.")]
    python: Annotated[str, _about("Version of Python.")]
    platform: Annotated[str, _about("Operating system and processor architecture.")]
    device: Annotated[str, _about("Kind of device: 'cpu' or 'cuda'.")]
    device_name: Annotated[str, _about("Name of the processor or GPU.")]
    threads: Annotated[int, _about("Number of processor threads that computed.")]
    processes: Annotated[int, _about("Number of processes that shared a trial.")]


@_closed
class ComponentJson(TypedDict):
    """What a study's file declares. The records of its trials hold its source text, in `sources`."""

    study: Annotated[str, _about("Name of the study.")]
    kind: Annotated[str, _about("The factor, such as 'activation'; 'network' or 'metric'.")]
    name: Annotated[str, _about("Its name in the study file; in records it is followed by '@' and the digest.")]
    digest: Annotated[str, _about("Digest of the code that defines it.")]
    trials: Annotated[int, _about("Number of the study's trials with a record that used it.")]


@_closed
class ReportJson(TypedDict):
    """A report of AlexNet's claims or of a study's own: the content of report.json."""

    version: Annotated[Literal[1], _about("Version of this schema.")]
    claims: Annotated[list[ClaimJson], _about("The claims in the order of their studies, the literature's last.")]
    controls: Annotated[list[ControlJson], _about("The controls, once for all studies with the same baseline.")]
    run: Annotated[dict[str, str], _about("How the records were made, for people: text by term.")]
    environments: Annotated[list[EnvironmentJson], _about("The different environments of the records.")]
    components: Annotated[list[ComponentJson], _about("What study files declare.")]


def make_schema() -> dict[str, Any]:
    """Make the JSON Schema of report.json."""
    return {"$schema": GenerateJsonSchema.schema_dialect, **TypeAdapter(ReportJson).json_schema()}


if __name__ == "__main__":
    print(json.dumps(make_schema(), indent=2, ensure_ascii=False))
