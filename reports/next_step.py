"""The further run that gets more claims decided."""

from collections.abc import Sequence
from typing import NamedTuple

from ablations import Contrast, Setting, Study
from ablations.framework.seeds import is_trial_metric
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.extra_seeds import UNDECIDED, request_extra_seeds
from reports.text.formatting import format_list

MAX_SEEDS = 100  # more take too long to be suggested


class NextStep(NamedTuple):
    """A further run.

    Attributes:
        option: The option to add to the command of the last run; '' to repeat the command.
        effect: What the run does: a verb with its object.
    """

    option: str
    effect: str


def suggest_run(studies: Sequence[Study], setting: Setting, judgements: Sequence[Judgement]) -> NextStep | None:
    """Suggest a run that may decide more claims; None if no option does this.

    Args:
        studies: The studies of the last run, of which every job has a record.
        setting: The setting of that run.
        judgements: The judgements on its records.
    """
    if setting.profile.name == "smoke":
        return NextStep("--profile quick", "trains for long enough to judge the claims")
    undecided = [judgement for judgement in judgements if judgement.claim.kind == "claim" and _lacks_seeds(judgement)]
    if request_extra_seeds(studies, setting, judgements) != setting.extra_seeds:
        return NextStep("", "adds seeds to the claims that are not decided yet")
    if any(judgement.main.reason == "machine_busy" for judgement in judgements):
        return NextStep("", "repeats the timings during which the machine was busy: run it when nothing else runs")
    if setting.seeds is None:  # all looks are spent: the same pairs must not be tested again
        return None
    needed = {
        j.claim.id: j.main.needed for j in undecided if j.main.needed and j.main.pairs < j.main.needed <= MAX_SEEDS
    }
    if not needed:
        return None
    return NextStep(f"--seeds {max(needed.values())}", f"trains the pairs that may decide {format_list(needed, 3)}")


def _lacks_seeds(judgement: Judgement) -> bool:
    """Whether the part that decided is a comparison of trained arms that more seeds may decide."""
    part = judgement.main.part
    return judgement.verdict in UNDECIDED and isinstance(part, Contrast) and is_trial_metric(part.metric)
