"""Extra seeds of undecided claims in a run with looks."""

from collections.abc import Sequence

from ablations import Setting, Study
from ablations.framework.seeds import INTERIM_ANALYSES, has_interim_analyses, requested_seeds, trained_arms
from reports.statistics.claim_verdicts import Judgement

UNDECIDED = ("underpowered", "inconclusive")


def request_extra_seeds(
    studies: Sequence[Study], setting: Setting, judgements: Sequence[Judgement]
) -> dict[str, dict[str, int]]:
    """Request the seeds that undecided claims of the kind 'claim' need for their next interim analysis.

    All arms of an undecided claim's stated parts and preconditions get the same number. Other arms get none: those of
    robustness checks, literature and controls, which have a fixed number, and of claims that seeds cannot decide.

    Args:
        studies: The studies of the run.
        setting: Its setting, with the extra seeds requested before.
        judgements: The judgements on its records.

    Returns:
        Total number of seeds by study and arm, where an undecided claim needs more, earlier requests included.
    """
    extra_seeds = {study: dict(seeds_by_arm) for study, seeds_by_arm in setting.extra_seeds.items()}
    for study in studies:
        for judgement in judgements if has_interim_analyses(study, setting) else ():
            is_claim = judgement.study == study.name and judgement.claim.kind == "claim"
            if is_claim and judgement.verdict in UNDECIDED:
                for arm, seeds in _needed_seeds(study, setting, judgement).items():
                    seeds_by_arm = extra_seeds.setdefault(study.name, {})
                    seeds_by_arm[arm] = max(seeds, seeds_by_arm.get(arm, 0))
    return extra_seeds


def _needed_seeds(study: Study, setting: Setting, judgement: Judgement) -> dict[str, int]:
    """Numbers of seeds with which the claim's undecided parts reach their next interim analysis, by arm.

    Missing pairs are replaced, unless more are missing than measured.
    """
    trained = [outcome for outcome in judgement.outcomes if outcome.interim_analysis is not None]
    seeds = 0
    for outcome in trained:
        measured = outcome.pairs + outcome.waiting
        requested = min(requested_seeds(study, arm, setting) for arm in trained_arms(study, outcome.part))
        missing_pairs = requested - measured
        later_analyses = INTERIM_ANALYSES[outcome.interim_analysis or 0 :]
        if outcome.verdict in UNDECIDED and later_analyses and missing_pairs <= measured:
            seeds = max(seeds, later_analyses[0] + missing_pairs)
    parts = [*(outcome.part for outcome in trained), *judgement.claim.requires]
    arms = {arm for part in parts for arm in trained_arms(study, part)}
    return dict.fromkeys(sorted(arms), seeds) if seeds else {}
