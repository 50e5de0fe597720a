"""Which arms get further seeds, where a run goes on until its claims are decided."""

from __future__ import annotations

from ablations import Setting, Study
from ablations.framework.seeds import INTERIM_ANALYSES, has_interim_analyses, requested_seeds
from reports.evidence import Evidence
from reports.statistics.judge import Judgement
from reports.statistics.verdicts import Outcome

OPEN = ("underpowered", "inconclusive")


def further(evidence: Evidence) -> dict[tuple[str, str], int]:
    """Seeds of each (study, arm) beyond the study's own: what was asked for before, and what the next look takes.

    All arms of an undecided claim go on together, and no other: not the controls, nor what no seed decides.
    """
    setting = evidence.setting
    found = dict(setting.extra_seeds or {})
    for study in evidence.studies:
        for judgement in evidence.judgements if has_interim_analyses(study, setting) else ():
            if judgement.study == study.name and judgement.claim.primary and judgement.verdict in OPEN:
                for arm, seeds in _wanted(study, setting, judgement).items():
                    found[study.name, arm] = max(seeds, found.get((study.name, arm), 0))
    return found


def _wanted(study: Study, setting: Setting, judgement: Judgement) -> dict[str, int]:
    """Seeds of the arms of the claim's trained parts, so that its undecided ones reach their next look.

    As many more as were lost on the way; none where more are lost than not.
    """
    trained = {outcome: outcome.look for outcome in judgement.outcomes if outcome.look is not None}
    seeds = 0
    for outcome, look in trained.items():
        there = outcome.pairs + outcome.waiting
        lost = min(requested_seeds(study, arm, setting) for arm in _arms(study, outcome)) - there
        if outcome.verdict in OPEN and look < len(INTERIM_ANALYSES) and lost <= there:
            seeds = max(seeds, INTERIM_ANALYSES[look] + lost)
    return {arm: seeds for outcome in trained for arm in _arms(study, outcome) if seeds}


def _arms(study: Study, outcome: Outcome) -> list[str]:
    """The arms that the part compares; for a combination, those that it is made of."""
    named = [arm for arm in (outcome.part.arm, outcome.part.reference) if isinstance(arm, str)]
    return [arm for name in named for arm in study.combinations.get(name, (name,))]
