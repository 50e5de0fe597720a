"""Claims and observations in, verdicts out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ablations import Claim, Contrast, Exact
from reports.statistics import paired_tests
from reports.statistics.pairs import Arms, Pairs, collect, tabulate
from reports.statistics.verdicts import Outcome, contrast, exact, refused
from reports.tables.provenance import Environment, Origins, mixed, refusal, sentence
from reports.text.comparisons import describe_part

VERDICTS = ("supported", "refuted", "no effect", "underpowered", "inconclusive", "conditional", "not run")
PRECEDENCE = ("refuted", "not run", "no effect", "underpowered", "inconclusive", "supported")  # of parts joined by AND
DECIDED = {"supported", "refuted", "no effect"}


@dataclass(frozen=True)
class Judgement:
    """A claim's verdict: `outcomes` has one for each part, `deciding` is the index of the one that decided.

    regimes: each one's verdict. origins: what differs between the environments that measured the records behind it.
    """

    study: str
    claim: Claim
    verdict: str
    reason: str
    outcomes: tuple[Outcome, ...]
    deciding: int = 0
    regimes: Mapping[str, str] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)

    @property
    def main(self) -> Outcome:
        return self.outcomes[self.deciding]

    @property
    def origin(self) -> str:
        """What the origins are, in a sentence; nothing where all are the same."""
        return sentence(self.origins, "Its records")

    def as_json(self) -> dict[str, Any]:
        """The deciding part's numbers, then every part's."""
        shown = ("estimate", "interval", "ninety", "margin", "unit", "pairs", "look", "p_value", "p_holm", "trials")
        return _finite(
            {
                "id": self.claim.id,
                "study": self.study,
                "sentence": self.claim.sentence,
                "primary": self.claim.primary,
                "verdict": self.verdict,
                "reason": self.reason,
                **{name: getattr(self.main, name) for name in shown},
                "deciding": self.deciding,
                "regime": self.main.part.regime,
                "regimes": self.regimes,
                "parts": [dataclasses.asdict(outcome) for outcome in self.outcomes],
                "published": [dataclasses.asdict(figure) for figure in self.claim.published],
                "caveat": self.claim.caveat,
                "origin": self.origin,
                "origins": self.origins,
            }
        )


def judge(
    claims: Iterable[tuple[str, Claim]],
    observations: pd.DataFrame,
    environments: Mapping[str, Environment] | None = None,
    looks: Mapping[tuple[str, str], int] | None = None,
) -> list[Judgement]:
    """A judgement for each (study, claim), in their order. environments: of records, by identity.

    looks: how many seeds each arm (study, arm) was asked for by a sequential run: its primary claims are judged by
    looks as far as they rest on trials. Controls and what is timed have a fixed number of pairs.

    Holm's correction runs over every tested part of every primary claim. That is conservative, and parts joined by
    AND and regimes need no further one. Controls keep their own p, and claims that are refused have none.
    """
    claims = list(claims)
    metrics = {part.metric for _, claim in claims for part in claim.parts}
    table = tabulate(observations[observations["metric"].isin(metrics)])
    parts = [
        ((c, i), part, table.get((study, part.metric), {}))
        for c, (study, claim) in enumerate(claims)
        for i, part in enumerate(claim.parts)
    ]
    pairs = {
        key: _collect(*claims[key[0]], part, arms, looks or {})
        for key, part, arms in parts
        if isinstance(part, Contrast)
    }
    counts = {key: exact(part, arms) for key, part, arms in parts if isinstance(part, Exact)}
    measured_by = _environments(claims, {**pairs, **counts}, environments or {})
    refusals = [refusal(claim, own) for (_, claim), own in zip(claims, measured_by, strict=True)]
    tested = {key: those for key, those in pairs.items() if those.testable and not refusals[key[0]]}
    p_values = {key: those.summary().p_value for key, those in tested.items()}
    primary = {key: p for key, p in p_values.items() if p is not None and claims[key[0]][1].primary}
    p_holm = p_values | dict(zip(primary, paired_tests.holm(list(primary.values())), strict=True))
    judgements = []
    for c, (study, claim) in enumerate(claims):
        outcomes = tuple(
            contrast(part, pairs[c, i], p_values.get((c, i)), p_holm.get((c, i)))
            if isinstance(part, Contrast)
            else counts[c, i]
            for i, part in enumerate(claim.parts)
        )
        outcomes = tuple(refused(one, refusals[c]) for one in outcomes) if refusals[c] else outcomes
        judgements.append(dataclasses.replace(_join(study, claim, outcomes), origins=mixed(measured_by[c])))
    return judgements


def _collect(study: str, claim: Claim, part: Contrast, arms: Arms, looks: Mapping[tuple[str, str], int]) -> Pairs:
    """The part's pairs: by looks where the claim is primary and trials measured it."""
    trained = any(one.trained for values in arms.values() for one in values.values())
    asked = [looks[study, arm] for arm in (part.arm, part.reference) if isinstance(arm, str) and (study, arm) in looks]
    if not (trained and asked):
        return collect(part, arms)
    return collect(part, arms, min(asked), claim.primary)


def _environments(
    claims: Sequence[tuple[str, Claim]],
    measured: Mapping[tuple[int, int], Pairs | Outcome],
    environments: Mapping[str, Environment],
) -> list[list[Environment]]:
    """What measured the records behind each claim."""
    used: list[set[str]] = [set() for _ in claims]
    for (c, _), found in measured.items():
        used[c].update(found.trials)
    return [[environments[name] for name in names if name in environments] for names in used]


def _join(study: str, claim: Claim, outcomes: tuple[Outcome, ...]) -> Judgement:
    """Parts joined by AND within each regime, then the regimes.

    The claim is conditional where two regimes were decided and differ. Where those that were decided agree and others
    were not, the undecided verdict stands: half of the evidence is no verdict on the whole sentence.
    """
    regimes: dict[str, list[int]] = {}
    for index, part in enumerate(claim.parts):
        regimes.setdefault(part.regime, []).append(index)
    deciding = {
        regime: min(indices, key=lambda index: PRECEDENCE.index(outcomes[index].verdict))
        for regime, indices in regimes.items()
    }
    verdicts = {regime: outcomes[index].verdict for regime, index in deciding.items()}
    found = set(verdicts.values())
    undecided = [verdict for verdict in PRECEDENCE if verdict in found and verdict not in DECIDED]
    if len(found & DECIDED) > 1:
        verdict, main = "conditional", next(iter(deciding.values()))
    else:
        verdict = undecided[0] if undecided else found.pop()
        main = next(deciding[regime] for regime, own in verdicts.items() if own == verdict)
    return Judgement(study, claim, verdict, _reason(claim, outcomes, verdicts, main), outcomes, main, verdicts)


def _reason(claim: Claim, outcomes: tuple[Outcome, ...], verdicts: dict[str, str], main: int) -> str:
    if len(set(verdicts.values())) > 1:
        told = "; ".join(f"{regime}: {own}" for regime, own in verdicts.items())
        none = "" if "supported" in verdicts.values() else "; none supports the claim"
        return f"on {claim.regimes}: {told}{none}"
    if len(outcomes) == 1:
        return outcomes[main].reason
    if outcomes[main].verdict == "supported":
        return f"all {len(outcomes)} parts hold"
    return f"{describe_part(outcomes[main].part)}: {outcomes[main].reason}"


def _finite(value: Any) -> Any:
    """As JSON has it: lists for tuples, null for what is not finite."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
