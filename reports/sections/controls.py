"""Controls: the baseline against itself, and shuffled labels."""

from collections.abc import Mapping, Sequence
from typing import Literal

from reports.rendering.blocks import Cell, Table, make_columns
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.summary import MIN_SPLIT_SEEDS, RANDOM_SPLITS, BaselineSplit
from reports.text.comparisons import format_estimate
from reports.text.formatting import NOTHING, format_interval

ControlResult = Literal["as it should", "unexpected", "undecided", "not run"]
DECIDED = ("supported", "refuted", "negligible")
MAX_SPLIT_SHARE = 0.06  # largest expected share of random splits that differ: 5 %, plus sampling error
CONTROLS_REMARK = (
    "The baseline trained again under other seeds must show no difference. A network that learns shuffled labels must "
    "stay at chance on the test images. Studies with the same baseline share its controls, which are judged once, "
    "under the first of them, and p is corrected over all controls. An unexpected control puts all of these studies in "
    f"doubt; an undecided one has too few pairs. Seeds of a baseline, where it has at least {MIN_SPLIT_SEEDS}, are "
    f"also split at random into pairs: at most {100 * MAX_SPLIT_SHARE:g} % of the splits may differ by p alone."
)
UNEXPECTED = {
    ":a-a": "the baseline differs from itself under other seeds",
    ":shuffled": "a network that learns shuffled labels does not stay at chance",
}


def tabulate_controls(
    judgements: Sequence[Judgement], studies_by_owner: Mapping[str, Sequence[str]], splits: Sequence[BaselineSplit]
) -> Table:
    """Tabulate the judged controls, and the random splits of their baselines.

    Args:
        judgements: The judgements on the controls.
        studies_by_owner: Names of the studies that share a baseline, by the study whose controls are judged.
        splits: Random splits of baselines.
    """
    rows = [
        (
            Cell(judgement.study, _name_sharers(judgement.study, studies_by_owner)),
            *map(Cell, (judgement.claim.sentence, describe_control(judgement))),
            Cell(format_estimate(judgement.main), "", judgement.main.estimate),
            Cell(format_interval(judgement.main.interval)),
            Cell(str(judgement.main.pairs), "", judgement.main.pairs),
        )
        for judgement in judgements
    ]
    rows += [
        (
            Cell(split.study),
            Cell("The baseline's seeds differ from each other, split at random"),
            Cell("as it should" if split.share <= MAX_SPLIT_SHARE else "unexpected"),
            Cell(f"{100 * split.share:.1f} % of {RANDOM_SPLITS:,}", "", split.share),
            Cell(NOTHING),
            Cell(str(split.seeds // 2), "", split.seeds // 2),
        )
        for split in splits
    ]
    columns = make_columns("Study", "Control", "Result", "Difference", "95 % interval", "Pairs", text=3)
    return Table("Controls of all studies", columns, tuple(rows), CONTROLS_REMARK)


def _name_sharers(owner: str, studies_by_owner: Mapping[str, Sequence[str]]) -> str:
    sharers = [name for name in studies_by_owner.get(owner, ()) if name != owner]
    return f"also for {', '.join(sharers)}" if sharers else ""


def describe_unexpected(controls: Sequence[Judgement]) -> str:
    """Name the studies whose controls are unexpected, and say what to do; '' if there are none."""
    unexpected = [control for control in controls if describe_control(control) == "unexpected"]
    sentences = []
    for kind, finding in UNEXPECTED.items():
        if studies := [control.study for control in unexpected if control.claim.id.endswith(kind)]:
            sentences.append(f"{', '.join(studies)}: {finding}, so the verdicts on this baseline are in doubt.")
    advice = "Chance alone does this in at most about one report in 20; more seeds (--seeds) show whether it did."
    return " ".join([*sentences, advice] if sentences else [])


def describe_control(judgement: Judgement) -> ControlResult:
    """Return the result of a control."""
    expected = "negligible" if judgement.claim.id.endswith(":a-a") else "supported"
    if judgement.verdict in DECIDED:
        return "as it should" if judgement.verdict == expected else "unexpected"
    return "not run" if judgement.verdict == "not run" else "undecided"
