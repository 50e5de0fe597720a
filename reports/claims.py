"""Claims as blocks: a line each, a table of the parts, what was published beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence

from ablations.study import Contrast, Exact
from reports.blocks import Block, Cell, Column, Line, Table, Text, Verdicts
from reports.frame import unit
from reports.judge import Judgement
from reports.numbers import MINUS, NOTHING, PLUS_MINUS, TIMES, decimals, fixed, interval, plain, probability
from reports.outcome import Outcome, named


def line(judgement: Judgement, floor: float | None = None, full: bool = False) -> Line:
    """floor: the noise floor of what the claim contrasts. full: with the reason, however plain the verdict is."""
    main, part = judgement.main, judgement.main.part
    measured: list[tuple[str, str]] = []
    if main.estimate is not None and len(judgement.outcomes) > 1:
        measured = [("compared", named(part))]
    if main.estimate is not None and isinstance(part, Exact):
        measured += [("counted", estimate(main)), ("claimed", stated(part))]
    elif main.estimate is not None and isinstance(part, Contrast):
        measured += [("ratio" if part.ratio else "difference", estimate(main))]
        measured += [("95 % interval", interval(main.interval)), ("pairs", str(main.pairs))]
        measured += [("noise floor", f"{PLUS_MINUS}{plain(floor, 2)}")] if floor and floor > 0 else []
    reason = judgement.reason if full or not measured or judgement.verdict == "conditional" else ""
    reason = reason[:1].upper() + reason[1:]
    return Line(judgement.verdict, judgement.claim.id, judgement.claim.sentence, tuple(measured), reason)


def detail(judgement: Judgement, floor: float | None) -> list[Block]:
    """One claim with the reason of its verdict, its parts and its caveat."""
    blocks: list[Block] = [Verdicts((line(judgement, floor, full=True),)), parts(judgement)]
    return blocks + [Text(judgement.claim.caveat)] * bool(judgement.claim.caveat)


def estimate(outcome: Outcome) -> str:
    """The estimate with its unit, and as many digits as its interval warrants."""
    value, part = outcome.estimate, outcome.part
    if value is None:
        return NOTHING
    if isinstance(part, Exact):
        return _counted(part, value)
    width = (outcome.interval[1] - outcome.interval[0]) / 2 if outcome.interval else 0
    places = decimals(width or value, 2 if width else 3)
    if part.ratio:
        return f"{TIMES}{fixed(value, places)}"
    return f"{fixed(value, places, signed=True)} {outcome.unit}".strip()


def _counted(part: Exact, value: float) -> str:
    """A count that is divided by another's is a ratio; a share is in per cent."""
    if part.reference:
        return f"{TIMES}{plain(value)}"
    name = unit(part.metric).unit
    return f"{fixed(value) if value == round(value) else plain(value)} {'%' if name == 'points' else name}".strip()


def stated(part: Exact) -> str:
    factor = 1 if part.reference else unit(part.metric).factor
    low, high = (_counted(part, bound * factor) for bound in (part.low, part.high))
    return low if low == high else f"{low} to {high}"


ASKED = {"higher": ("at least", "+"), "lower": ("at most", MINUS), "equal": ("within", PLUS_MINUS)}


def margin(outcome: Outcome) -> str:
    if isinstance(outcome.part, Exact):
        return stated(outcome.part)
    if outcome.margin is None:
        return NOTHING
    if outcome.part.ratio:
        divided = "1/" if outcome.part.direction == "lower" else ""
        return f"{ASKED[outcome.part.direction][0]} {TIMES}{divided}{plain(outcome.margin)}"
    return " ".join((ASKED[outcome.part.direction][0], ASKED[outcome.part.direction][1] + plain(outcome.margin)))


def parts(judgement: Judgement) -> Table:
    """Every part with what was estimated, what was asked of it, and the tests beside it."""
    columns = (
        Column("Compared", numeric=False),
        Column("Verdict", numeric=False),
        Column("Estimate", "95 % interval"),
        Column("Asked for"),
        Column("Pairs"),
        Column("p, after Holm", "sign-flip p"),
        Column("Pairs improved", "effect size"),
    )
    return Table(f"Parts of {judgement.claim.id}", columns, tuple(map(_part, judgement.outcomes)))


def _part(outcome: Outcome) -> tuple[Cell, ...]:
    part, improved = outcome.part, outcome.improvement
    lacking = [f"{outcome.missing} missing"] * bool(outcome.missing) + [f"{outcome.censored} censored"] * bool(
        outcome.censored
    )
    if outcome.needed and outcome.verdict == "underpowered":
        lacking.append(f"{outcome.needed} would decide")
    asked, _, upto = stated(part).partition(" to ") if isinstance(part, Exact) else (margin(outcome), "", "")
    return (
        Cell(named(part), part.regime),
        Cell(outcome.verdict, verdict=outcome.verdict),
        Cell(estimate(outcome), interval(outcome.interval) if outcome.interval else "", outcome.estimate),
        Cell(asked, f"to {upto}" if upto else "", outcome.margin),
        Cell(str(outcome.pairs), ", ".join(lacking), outcome.pairs),
        Cell(
            probability(outcome.p_holm),
            "" if outcome.sign_flip_p is None else probability(outcome.sign_flip_p),
            outcome.p_holm,
        ),
        Cell(
            NOTHING if improved is None else f"{100 * improved:.0f} %",
            "" if outcome.effect_size is None else fixed(outcome.effect_size, 2),
            improved,
        ),
    )


def published(study: str, judgements: Sequence[Judgement]) -> Table:
    """What others printed beside what was measured here."""
    rows = [
        (
            Cell(judgement.claim.id),
            Cell(figure.value),
            Cell(figure.source),
            Cell(estimate(ours), named(ours.part)),
            Cell(interval(ours.interval)),
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


def controls(judgements: Sequence[Judgement]) -> Table:
    rows = [
        (
            Cell(judgement.study),
            Cell(judgement.claim.sentence),
            Cell(passed(judgement)),
            Cell(estimate(judgement.main), "", judgement.main.estimate),
            Cell(interval(judgement.main.interval)),
            Cell(str(judgement.main.pairs), "", judgement.main.pairs),
        )
        for judgement in judgements
    ]
    labels = ("Study", "Control", "Came out", "Difference", "95 % interval", "Pairs")
    columns = tuple(Column(label, numeric=place > 2) for place, label in enumerate(labels))
    return Table("The controls of every study", columns, tuple(rows), CONTROLS)


CONTROLS = (
    "The first control must not come out: the baseline against itself, under other seeds. The second must: a network "
    "that learns shuffled labels knows nothing of the test images. A control that came out the wrong way puts its "
    "study in doubt."
)


def passed(judgement: Judgement) -> str:
    """Whether the control came out as it should."""
    if judgement.verdict == "not run":
        return "not run"
    decided = judgement.verdict in ("supported", "refuted", "no effect")
    if judgement.claim.id.endswith(":a-a"):
        return "unexpected" if judgement.verdict in ("supported", "refuted") else "as it should"
    if judgement.verdict == "supported":
        return "as it should"
    return "unexpected" if decided else "undecided"
