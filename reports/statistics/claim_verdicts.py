"""Verdicts on whole claims: Holm's correction, parts joined by AND, regimes compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ablations import Claim, Contrast, Exact
from reports.statistics.multiple_testing import holm
from reports.statistics.outcomes import CheckResult, Outcome, Requirement
from reports.statistics.pairs import Arms, Pairs, collect_pairs, tabulate
from reports.statistics.part_verdicts import judge_contrast, judge_count, refuse
from reports.tables.provenance import Environment, Origins, differing_fields, mixed_devices

VERDICTS = (
    "supported", "refuted", "negligible", "underpowered", "inconclusive", "not testable here", "not run",
)  # fmt: skip
PRECEDENCE = ("refuted", "not run", "no effect", "underpowered", "inconclusive", "supported")  # parts are joined by AND
DECIDED = {"supported", "refuted", "no effect"}


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict; `reports.text.reasons` explains it.

    Attributes:
        study: Name of the study.
        claim: The claim that was judged.
        verdict: One of VERDICTS.
        outcomes: One for each stated part.
        deciding: Index of the stated part that decided.
        requirements: One for each precondition.
        checks: One for each robustness check.
        origins: Fields in which the environments of the claim's records differ, with their values.
    """

    study: str
    claim: Claim
    verdict: str
    outcomes: tuple[Outcome, ...]
    deciding: int = 0
    requirements: tuple[Requirement, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    origins: Origins = field(default_factory=dict)

    @property
    def main(self) -> Outcome:
        """Outcome of the part that decided."""
        return self.outcomes[self.deciding]


def judge(
    claims: Sequence[tuple[str, Claim]],
    observations: pd.DataFrame,
    environments: Mapping[str, Environment] | None = None,
    requested_seeds: Mapping[tuple[str, str], int] | None = None,
) -> list[Judgement]:
    """Judge every claim, in the order given.

    Holm's correction runs over every tested part of every primary claim. It is conservative: parts joined by AND, and
    regimes, need no further correction. Controls keep their own p, and claims refused for mixed devices have none.

    Args:
        claims: (study, claim), each with the name of its study.
        observations: One row per observation, with the fields of `Observation` as columns.
        environments: Environment of each record, by its identity.
        requested_seeds: Number of seeds by (study, arm) in a sequential run: primary claims have interim analyses as
            far as they rest on trials. Controls and timings have a fixed number of pairs.
    """
    metrics = {part.metric for _, claim in claims for part in claim.parts}
    table = tabulate(observations[observations["metric"].isin(metrics)])
    parts = [
        ((c, p), part, table.get((study, part.metric), {}))
        for c, (study, claim) in enumerate(claims)
        for p, part in enumerate(claim.parts)
    ]
    contrasts = [(key, part, arms) for key, part, arms in parts if isinstance(part, Contrast)]
    pairs = {key: _collect(*claims[key[0]], part, arms, requested_seeds or {}) for key, part, arms in contrasts}
    counts = {key: judge_count(part, arms) for key, part, arms in parts if isinstance(part, Exact)}
    origins = _environments(claims, {**pairs, **counts}, environments or {})
    devices = [mixed_devices(claim, claim_origins) for (_, claim), claim_origins in zip(claims, origins, strict=True)]
    tested = {key: part_pairs for key, part_pairs in pairs.items() if part_pairs.testable and not devices[key[0]]}
    p_values = {key: part_pairs.t_test().p_value for key, part_pairs in tested.items()}
    family = {key: p for key, p in p_values.items() if p is not None and claims[key[0]][1].primary}
    p_holm = p_values | dict(zip(family, holm(list(family.values())), strict=True))
    outcomes = counts | {
        key: judge_contrast(part, pairs[key], p_values.get(key), p_holm.get(key)) for key, part, _ in contrasts
    }
    outcomes |= {key: refuse(outcome, devices[key[0]]) for key, outcome in outcomes.items() if devices[key[0]]}
    return [
        _join(study, claim, tuple(outcomes[c, p] for p in range(len(claim.parts))), differing_fields(origins[c]))
        for c, (study, claim) in enumerate(claims)
    ]


def _collect(
    study: str, claim: Claim, part: Contrast, arms: Arms, requested_seeds: Mapping[tuple[str, str], int]
) -> Pairs:
    """Collect the part's pairs; a primary claim that rests on trials has interim analyses in a sequential run."""
    trained = any(observation.trained for values in arms.values() for observation in values.values())
    keys = [(study, arm) for arm in (part.arm, part.reference) if isinstance(arm, str)]
    requested = [requested_seeds[key] for key in keys if key in requested_seeds]
    if not (trained and requested):
        return collect_pairs(part, arms)
    return collect_pairs(part, arms, min(requested), claim.primary)


def _environments(
    claims: Sequence[tuple[str, Claim]],
    measured: Mapping[tuple[int, int], Pairs | Outcome],
    environments: Mapping[str, Environment],
) -> list[list[Environment]]:
    """Return the environments of each claim's records."""
    identities: list[set[str]] = [set() for _ in claims]
    for (c, _), part in measured.items():
        identities[c].update(part.trials)
    return [[environments[name] for name in sorted(names) if name in environments] for names in identities]


def _join(study: str, claim: Claim, outcomes: tuple[Outcome, ...], origins: Origins) -> Judgement:
    """Join the parts by AND within each regime, then the regimes.

    The claim is conditional if two regimes were decided differently. If the decided regimes agree and others are
    undecided, the claim is undecided, because part of the evidence does not decide the whole sentence.
    """
    indices_by_regime: dict[str, list[int]] = {}
    for index, part in enumerate(claim.parts):
        indices_by_regime.setdefault(part.regime, []).append(index)
    deciding = {
        regime: min(indices, key=lambda index: PRECEDENCE.index(outcomes[index].verdict))
        for regime, indices in indices_by_regime.items()
    }
    regimes = {regime: outcomes[index].verdict for regime, index in deciding.items()}
    verdicts = set(regimes.values())
    undecided = [verdict for verdict in PRECEDENCE if verdict in verdicts - DECIDED]
    if len(verdicts & DECIDED) > 1:
        verdict, main = "conditional", next(iter(deciding.values()))
    else:
        verdict = undecided[0] if undecided else verdicts.pop()
        main = next(deciding[regime] for regime in regimes if regimes[regime] == verdict)
    return Judgement(study, claim, verdict, outcomes, main, regimes, origins)
