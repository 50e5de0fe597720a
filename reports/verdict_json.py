"""Judgements as report.json stores them."""

import dataclasses
from typing import Any

from bench.system.text import json_value
from reports.report_schema import ClaimJson, NumbersJson
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import CheckResult, Outcome, Requirement
from reports.text.comparisons import part_unit
from reports.text.reasons import describe_origins, explain_judgement, explain_outcome


def judgement_to_json(judgement: Judgement) -> ClaimJson:
    """Convert a judgement to JSON: the deciding part's numbers, then every part and check with all of its own."""
    claim, parts = judgement.claim, [_outcome_to_json(outcome) for outcome in judgement.outcomes]
    stored: ClaimJson = json_value(
        {
            "id": claim.id,
            "study": judgement.study,
            "sentence": claim.sentence,
            "kind": claim.kind,
            "setting": claim.setting,
            "verdict": judgement.verdict,
            "reason": explain_judgement(judgement),
            **{name: parts[judgement.deciding][name] for name in NumbersJson.__annotations__},
            "deciding": judgement.deciding,
            "stated": parts,
            "requirements": list(map(_requirement_to_json, judgement.requirements)),
            "checks": list(map(_check_to_json, judgement.checks)),
            "published": [dataclasses.asdict(figure) for figure in claim.published],
            "caveat": claim.caveat,
            "origin": describe_origins(judgement.origins, "Its records"),
            "origins": judgement.origins,
        }
    )
    return stored


def _outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    values = dataclasses.asdict(outcome)
    part, verdict = values.pop("part"), values.pop("verdict")
    del values["reason"], values["devices"]  # the sentence holds both
    numbers = {"look" if name == "interim_analysis" else name: value for name, value in values.items()}
    described = {"part": part, "verdict": verdict, "reason": explain_outcome(outcome), "unit": part_unit(outcome.part)}
    return described | numbers


def _requirement_to_json(requirement: Requirement) -> dict[str, Any]:
    values = dataclasses.asdict(requirement.requires)
    return values | {"value": requirement.value, "is_met": requirement.is_met}


def _check_to_json(check: CheckResult) -> dict[str, Any]:
    numbers = dict(zip(("estimate", "interval", "p_holm"), check.interaction or (), strict=False))
    return {
        "name": check.name,
        "differs": check.differs,
        "interaction": numbers or None,
        "is_same_trials": check.is_same_trials,
        **_outcome_to_json(check.outcome),
    }
