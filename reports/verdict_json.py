"""Judgements as report.json stores them."""

import dataclasses
import math
from typing import Any

from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.comparisons import part_unit
from reports.text.reasons import describe_origins, explain_judgement, explain_outcome

SUMMARY = ("estimate", "interval", "ninety", "margin", "unit", "pairs", "look", "p_value", "p_holm", "trials")


def judgement_to_json(judgement: Judgement) -> dict[str, Any]:
    """Convert a judgement to JSON: the deciding part's numbers, then every part with all of its own."""
    claim, parts = judgement.claim, [_outcome_to_json(outcome) for outcome in judgement.outcomes]
    return _finite(
        {
            "id": claim.id,
            "study": judgement.study,
            "sentence": claim.sentence,
            "primary": claim.primary,
            "verdict": judgement.verdict,
            "reason": explain_judgement(judgement),
            **{name: parts[judgement.deciding][name] for name in SUMMARY},
            "deciding": judgement.deciding,
            "regime": judgement.main.part.regime,
            "regimes": judgement.regimes,
            "parts": parts,
            "published": [dataclasses.asdict(figure) for figure in claim.published],
            "caveat": claim.caveat,
            "origin": describe_origins(judgement.origins, "Its records"),
            "origins": judgement.origins,
        }
    )


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    values = dataclasses.asdict(outcome)
    part, verdict = values.pop("part"), values.pop("verdict")
    del values["reason"], values["devices"]  # the sentence holds both
    numbers = {"look" if name == "interim_analysis" else name: value for name, value in values.items()}
    described = {"part": part, "verdict": verdict, "reason": explain_outcome(outcome), "unit": part_unit(outcome.part)}
    return described | numbers


def _finite(value: Any) -> Any:
    """The value with lists for tuples and null for numbers that are not finite, as JSON has it."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
