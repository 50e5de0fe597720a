"""Claims as blocks: a line each, a table of the parts, what was published beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from ablations import Contrast, Exact
from reports.rendering.blocks import Block, Cell, ClaimLine, Column, Table, Text, Verdicts
from reports.statistics.judge import DECIDED, Judgement
from reports.statistics.paired_tests import POWER, SPLITS, SPLITTABLE
from reports.statistics.summary import Split
from reports.statistics.verdicts import Outcome, estimate, looked, paired
from reports.text.comparisons import claimed_effect, claimed_range, describe_part
from reports.text.formatting import NOTHING, PLUS_MINUS, format_fixed, format_interval, format_number, format_p_value
from reports.text.outlook import turning


def line(judgement: Judgement, floor: float | None = None, full: bool = False) -> ClaimLine:
    """floor: the noise floor of what the claim contrasts. full: with the reason, where the regimes agree too."""
    main, part = judgement.main, judgement.main.part
    measured: list[tuple[str, str]] = []
    if main.estimate is not None and len(judgement.outcomes) > 1:
        measured = [("compared", describe_part(part))]
    if main.estimate is not None and isinstance(part, Exact):
        measured += [("counted", estimate(main)), ("claimed", claimed_range(part))]
    elif main.estimate is not None and isinstance(part, Contrast):
        measured += [("ratio" if part.ratio else "difference", estimate(main))]
        measured += [("asked for", claimed_effect(part)), ("95 % interval", format_interval(main.interval))]
        measured += [("pairs", paired(main))]
        measured += [("noise floor", f"{PLUS_MINUS}{format_number(floor, 2)}")] if floor and floor > 0 else []
    reason = judgement.reason if full or not measured or len(set(judgement.regimes.values())) > 1 else ""
    reason = reason[:1].upper() + reason[1:]
    return ClaimLine(judgement.verdict, judgement.claim.id, judgement.claim.sentence, tuple(measured), reason)


def detail(judgement: Judgement, floor: float | None) -> list[Block]:
    """One claim with the reason of its verdict, what would change it, its parts, where its records come from, and its
    caveat."""
    blocks: list[Block] = [Verdicts((line(judgement, floor, full=True),)), Text(turning(judgement)), parts(judgement)]
    return blocks + [Text(text) for text in (judgement.origin, judgement.claim.caveat) if text]


def parts(judgement: Judgement) -> Table:
    """Every part with what was estimated, what was asked of it, and the tests beside it."""
    columns = (
        Column("Compared", numeric=False),
        Column("Verdict", numeric=False),
        Column("Estimate", "95 % interval"),
        Column("Asked for"),
        Column("Pairs", "correlation r"),
        Column("p, after Holm", "sign-flip p"),
        Column("Pairs improved", "effect size"),
    )
    return Table(f"Parts of {judgement.claim.id}", columns, tuple(map(_part, judgement.outcomes)))


def _part(outcome: Outcome) -> tuple[Cell, ...]:
    part, improved = outcome.part, outcome.improvement
    limits = [
        looked(outcome.look) if outcome.look else "",
        f"{outcome.missing} missing" * bool(outcome.missing),
        f"{outcome.censored} not reached" * bool(outcome.censored),
        f"{outcome.needed} pairs for power {POWER}" if outcome.needed and outcome.verdict == "underpowered" else "",
    ]
    claimed = claimed_range(part) if isinstance(part, Exact) else claimed_effect(part)
    first, _, upto = claimed.partition(" to ")
    return (
        Cell(describe_part(part), part.regime),
        Cell(outcome.verdict, ", ".join(filter(None, limits)), verdict=outcome.verdict),
        Cell(estimate(outcome), format_interval(outcome.interval) if outcome.interval else "", outcome.estimate),
        Cell(first, f"to {upto}" if upto else "", outcome.margin),
        Cell(str(outcome.pairs), _beside("r = ", outcome.correlation), outcome.pairs),
        Cell(format_p_value(outcome.p_holm), format_p_value(outcome.sign_flip_p, ""), outcome.p_holm),
        Cell(
            NOTHING if improved is None else f"{100 * improved:.0f} %",
            _beside("", outcome.effect_size),
            improved,
        ),
    )


def _beside(label: str, value: float | None) -> str:
    return "" if value is None else label + format_fixed(value, 2)


def published(study: str, judgements: Sequence[Judgement]) -> Table:
    """What others printed beside what was measured here."""
    rows = [
        (
            Cell(judgement.claim.id),
            Cell(figure.value),
            Cell(figure.source),
            Cell(estimate(ours), describe_part(ours.part)),
            Cell(format_interval(ours.interval)),
        )
        for judgement in judgements
        for figure in judgement.claim.published
        if (ours := judgement.outcomes[figure.part]) is not None
    ]
    labels = ("Claim", "Published", "Source", "Measured here", "95 % interval")
    columns = tuple(Column(label, numeric=place > 3) for place, label in enumerate(labels))
    return Table(
        f"Published beside measured: {study}", columns, tuple(rows), "Published figures never decide a verdict."
    )


def controls(judgements: Sequence[Judgement], splits: Sequence[Split] = ()) -> Table:
    rows = [
        (
            Cell(judgement.study),
            Cell(judgement.claim.sentence),
            Cell(passed(judgement)),
            Cell(estimate(judgement.main), "", judgement.main.estimate),
            Cell(format_interval(judgement.main.interval)),
            Cell(str(judgement.main.pairs), "", judgement.main.pairs),
        )
        for judgement in judgements
    ]
    rows += [
        (
            Cell(split.study),
            Cell("The baseline's seeds differ from each other, split at random"),
            Cell("as it should" if split.share <= MOST_SPLITS else "unexpected"),
            Cell(f"{100 * split.share:.1f} % of {SPLITS:,}", "", split.share),
            Cell(NOTHING),
            Cell(str(split.values // 2), "", split.values // 2),
        )
        for split in splits
    ]
    labels = ("Study", "Control", "Came out", "Difference", "95 % interval", "Pairs")
    columns = tuple(Column(label, numeric=place > 2) for place, label in enumerate(labels))
    return Table("The controls of every study", columns, tuple(rows), CONTROLS)


MOST_SPLITS = 0.06  # of the splits that may differ: 5 %, and a little for there being no more of them
CONTROLS = (
    "The first control must not come out: the baseline against itself, under other seeds. The second must: a network "
    "that learns shuffled labels knows nothing of the test images. A control that came out the wrong way puts its "
    "study in doubt; one that is undecided has too few pairs to vouch for it. Where the baseline was trained with at "
    f"least {SPLITTABLE} seeds, they are split at random into pairs, and at most {100 * MOST_SPLITS:g} % of the splits "
    "may differ by p alone."
)


def passed(judgement: Judgement) -> str:
    """Whether the control came out as it should."""
    wanted = "no effect" if judgement.claim.id.endswith(":a-a") else "supported"
    if judgement.verdict in DECIDED:
        return "as it should" if judgement.verdict == wanted else "unexpected"
    return "not run" if judgement.verdict == "not run" else "undecided"
