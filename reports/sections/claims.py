"""Claims with their verdicts: one line per claim, a table of its parts, published figures, controls."""

from collections.abc import Sequence

from ablations import Contrast
from reports.rendering.blocks import Block, Cell, ClaimLine, Table, Text, Verdicts, make_columns
from reports.statistics.claim_verdicts import DECIDED, Judgement
from reports.statistics.outcomes import Outcome
from reports.statistics.power import POWER
from reports.statistics.summary import MIN_SPLIT_SEEDS, RANDOM_SPLITS, BaselineSplit
from reports.text import comparisons
from reports.text.comparisons import describe_part, describe_requirement, format_estimate
from reports.text.formatting import NOTHING, format_fixed, format_half_width, format_interval, format_p_value
from reports.text.reasons import describe_origins, describe_outlook, explain_judgement

COUNT_LABELS = "counted", "claimed"
MAX_SPLIT_SHARE = 0.06  # largest expected share of random splits that differ: 5 %, plus sampling error
CONTROLS_REMARK = (
    "The baseline trained again under other seeds must show no effect. A network that learns shuffled labels must stay "
    "at chance on the test images. An unexpected control puts its study in doubt; an undecided one has too few pairs. "
    f"Seeds of a baseline, where it has at least {MIN_SPLIT_SEEDS}, are also split at random into pairs: at most "
    f"{100 * MAX_SPLIT_SHARE:g} % of the splits may differ by p alone."
)

UNEXPECTED = {
    ":a-a": "the baseline differs from itself under other seeds",
    ":shuffled": "a network that learns shuffled labels does not stay at chance",
}


def summarise_claim(judgement: Judgement, noise_floor: float | None = None, full: bool = False) -> ClaimLine:
    """Summarise a claim in one line.

    Args:
        judgement: The claim with its verdict.
        noise_floor: The noise floor of the claim's contrast, in shown units; None if it has none.
        full: Whether the reason is also given if all regimes agree.

    Returns:
        The line.
    """
    main, part = judgement.main, judgement.main.part
    measured: list[tuple[str, str]] = []
    if main.estimate is not None:
        labels = ("ratio" if part.ratio else "difference", "required") if isinstance(part, Contrast) else COUNT_LABELS
        measured = [("compared", describe_part(part))] * (len(judgement.outcomes) > 1)
        measured += zip(labels, (format_estimate(main), describe_requirement(part)), strict=True)
    if measured and isinstance(part, Contrast):
        measured += [("95 % interval", format_interval(main.interval)), ("pairs", comparisons.format_pairs(main))]
        if noise_floor and noise_floor > 0:
            measured.append(("noise floor", format_half_width(noise_floor)))
    reason = explain_judgement(judgement) if full or not measured or len(set(judgement.regimes.values())) > 1 else ""
    reason = reason[:1].upper() + reason[1:]
    return ClaimLine(judgement.verdict, judgement.claim.id, judgement.claim.sentence, tuple(measured), reason)


def build_claim(judgement: Judgement, noise_floor: float | None) -> list[Block]:
    """Build a claim in full: reason, what would change the verdict, parts, origin of the records, caveat."""
    line = summarise_claim(judgement, noise_floor, full=True)
    blocks: list[Block] = [Verdicts((line,)), Text(describe_outlook(judgement)), _tabulate_parts(judgement)]
    origin = describe_origins(judgement.origins, "Its records")
    return blocks + [Text(text) for text in (origin, judgement.claim.caveat) if text]


def _tabulate_parts(judgement: Judgement) -> Table:
    numbers = ("Pairs", "correlation r"), ("p, after Holm", "sign-flip p"), ("Pairs improved", "effect size")
    columns = make_columns("Compared", "Verdict", ("Estimate", "95 % interval"), "Required", *numbers, text=2)
    return Table(f"Parts of {judgement.claim.id}", columns, tuple(map(_part_cells, judgement.outcomes)))


def _part_cells(outcome: Outcome) -> tuple[Cell, ...]:
    part, improved, analysis = outcome.part, outcome.improvement, outcome.interim_analysis
    limits = [
        f"sequential, {comparisons.format_interim_analysis(analysis)}" if analysis else "",
        f"{outcome.missing} missing" * bool(outcome.missing),
        f"{outcome.censored} not reached" * bool(outcome.censored),
        f"{outcome.needed} pairs for power {POWER}" if outcome.needed and outcome.verdict == "underpowered" else "",
    ]
    low, _, high = describe_requirement(part).partition(" to ")
    return (
        Cell(describe_part(part), part.regime),
        Cell(outcome.verdict, ", ".join(filter(None, limits)), verdict=outcome.verdict),
        Cell(format_estimate(outcome), format_interval(outcome.interval) if outcome.interval else "", outcome.estimate),
        Cell(low, f"to {high}" if high else "", outcome.margin),
        Cell(str(outcome.pairs), _beside("r = ", outcome.correlation), outcome.pairs),
        Cell(format_p_value(outcome.p_holm), format_p_value(outcome.sign_flip_p, ""), outcome.p_holm),
        Cell(NOTHING if improved is None else f"{100 * improved:.0f} %", _beside("", outcome.effect_size), improved),
    )


def _beside(label: str, value: float | None) -> str:
    return "" if value is None else label + format_fixed(value, 2)


def tabulate_published(study: str, judgements: Sequence[Judgement]) -> Table:
    """Tabulate published figures beside those measured here."""
    rows = [
        (
            *map(Cell, (judgement.claim.id, figure.value, figure.source)),
            Cell(format_estimate(outcome), describe_part(outcome.part)),
            Cell(format_interval(outcome.interval)),
        )
        for judgement in judgements
        for figure in judgement.claim.published
        if (outcome := judgement.outcomes[figure.part]) is not None
    ]
    columns = make_columns("Claim", "Published", "Source", "Measured here", "95 % interval", text=4)
    remark = "Published figures never decide a verdict."
    return Table(f"Published beside measured: {study}", columns, tuple(rows), remark)


def tabulate_controls(judgements: Sequence[Judgement], splits: Sequence[BaselineSplit] = ()) -> Table:
    """Tabulate the judged controls of all studies, and the random splits of their baselines."""
    rows = [
        (
            *map(Cell, (judgement.study, judgement.claim.sentence, describe_control(judgement))),
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


def describe_unexpected(controls: Sequence[Judgement]) -> str:
    """Name the studies whose controls are unexpected, and say what to do; '' if there are none."""
    unexpected = [control for control in controls if describe_control(control) == "unexpected"]
    sentences = []
    for kind, finding in UNEXPECTED.items():
        if studies := [control.study for control in unexpected if control.claim.id.endswith(kind)]:
            sentences.append(f"{', '.join(studies)}: {finding}, so the verdicts are in doubt.")
    advice = "Chance alone does this to at most about one control in 20; more seeds (--seeds) show whether it did."
    return " ".join([*sentences, advice] if sentences else [])


def describe_control(judgement: Judgement) -> str:
    """Return the result of a control: 'as it should', 'unexpected', 'undecided' or 'not run'."""
    expected = "no effect" if judgement.claim.id.endswith(":a-a") else "supported"
    if judgement.verdict in DECIDED:
        return "as it should" if judgement.verdict == expected else "unexpected"
    return "not run" if judgement.verdict == "not run" else "undecided"
