"""Claims with their verdicts: a card each, tables of stated comparisons and robustness checks."""

from collections import Counter
from collections.abc import Sequence

from ablations import Contrast
from reports.rendering.blocks import Block, Cell, ClaimLine, Column, Table, Text, Verdicts, make_columns
from reports.statistics.claim_verdicts import VERDICTS, Judgement
from reports.statistics.outcomes import Outcome
from reports.statistics.power import POWER
from reports.text import comparisons
from reports.text.comparisons import (
    describe_part,
    describe_required,
    describe_requirement,
    format_bounds,
    format_estimate,
)
from reports.text.formatting import (
    NOTHING,
    format_fixed,
    format_half_width,
    format_list,
    format_p_value,
    pluralize,
)
from reports.text.reasons import describe_origins, describe_outlook, explain_check, explain_judgement

COUNT_LABELS = "counted", "claimed"
MAX_DIFFERENT = 5  # claims whose robustness checks are named


def count_verdicts(judgements: Sequence[Judgement]) -> list[str]:
    """Count the claims with each verdict: ['5 supported', '3 refuted']."""
    tally = Counter(judgement.verdict for judgement in judgements)
    return [f"{tally[verdict]} {verdict}" for verdict in VERDICTS if tally[verdict]]


def summarise_checks(judgements: Sequence[Judgement]) -> str:
    """Count the robustness checks that were measured, and name those that differ from the stated setting; or ''."""
    checks = [(judgement, check) for judgement in judgements for check in judgement.checks if check.outcome.pairs]
    if not checks:
        return ""
    different = [(judgement.claim.id, check.name) for judgement, check in checks if check.differs]
    named = [f"{claim} ({', '.join(name for other, name in different if other == claim)})" for claim, _ in different]
    names = f": {format_list(dict.fromkeys(named), MAX_DIFFERENT)}" if different else ""
    counts = f"{pluralize(len(checks), 'robustness check')}, {len(different) or 'none'}"
    return f"{counts} different from the stated setting{names}"


def summarise_claim(judgement: Judgement, noise_floor: float | None = None) -> ClaimLine:
    """Summarise a claim on a card.

    Args:
        judgement: The claim with its verdict.
        noise_floor: The noise floor of the claim's contrast, in shown units; None if it has none.
    """
    main, part = judgement.main, judgement.main.part
    measured: list[tuple[str, str]] = []
    if main.estimate is not None:
        labels = ("ratio" if part.ratio else "difference", "required") if isinstance(part, Contrast) else COUNT_LABELS
        measured = [("compared", describe_part(part))] * (len(judgement.outcomes) > 1)
        measured += zip(labels, (format_estimate(main), describe_required(part)), strict=True)
    if measured and isinstance(part, Contrast):
        measured += [("95 % interval", format_bounds(main)), ("pairs", comparisons.format_pairs(main))]
        if noise_floor and noise_floor > 0:
            measured.append(("noise floor", format_half_width(noise_floor)))
    requirements = tuple(map(describe_requirement, judgement.requirements))
    is_explained = judgement.verdict == "not testable here" and bool(requirements)
    reason = "" if is_explained else explain_judgement(judgement)
    claim = judgement.claim
    published = tuple(f"{figure.value} ({figure.source})" for figure in claim.published)
    remarks = {"Stated setting": (claim.setting,), "Precondition": requirements, "Published": published}
    details = [(label, text) for label, texts in remarks.items() for text in texts if text]
    details += [("Why", reason)] if reason else []
    return ClaimLine(judgement.verdict, claim.id, claim.sentence, tuple(measured), tuple(details))


def build_claim(judgement: Judgement, noise_floor: float | None) -> list[Block]:
    """Build a claim: card, what would change the verdict, robustness checks, origin, caveat."""
    blocks: list[Block] = [Verdicts((summarise_claim(judgement, noise_floor),)), Text(describe_outlook(judgement))]
    blocks += [_tabulate_checks(judgement)] if judgement.checks else []
    origin = describe_origins(judgement.origins, "Its records")
    return blocks + [Text(text) for text in (origin, judgement.claim.caveat) if text]


NUMBERS = ("Estimate", "95 % interval"), "Required", ("Pairs", "correlation r"), ("p, after Holm", "sign-flip p")


def tabulate_stated(judgement: Judgement) -> Table:
    """Tabulate the stated comparisons of a claim with all of their numbers."""
    columns = make_columns("Compared", "Verdict", *NUMBERS, ("Pairs improved", "effect size"), text=2)
    rows = [
        (Cell(describe_part(outcome.part)), *_outcome_cells(outcome), _improvement_cell(outcome))
        for outcome in judgement.outcomes
    ]
    return Table(f"Stated setting of {judgement.claim.id}", columns, tuple(rows))


def _tabulate_checks(judgement: Judgement) -> Table:
    rows = [
        (
            Cell(check.name, describe_part(check.outcome.part)),
            *_outcome_cells(check.outcome)[:-1],  # the p that matters is that of the comparison
            Cell(*explain_check(check)),
        )
        for check in judgement.checks
    ]
    against = Column("Against the stated setting", "difference of the differences", numeric=False)
    columns = (*make_columns("Setting", "Verdict", *NUMBERS[:-1], text=2), against)
    return Table(f"Robustness checks of {judgement.claim.id}", columns, tuple(rows))


def _outcome_cells(outcome: Outcome) -> tuple[Cell, ...]:
    """Return verdict, estimate, required effect, pairs and p."""
    part, analysis = outcome.part, outcome.interim_analysis
    limits = [
        comparisons.format_interim_analysis(analysis) if analysis else "",
        f"{outcome.missing} missing" * bool(outcome.missing),
        f"{outcome.diverged} diverged" * bool(outcome.diverged),
        f"{outcome.censored} not reached" * bool(outcome.censored),
        f"{outcome.needed} pairs for power {POWER}" if outcome.needed and outcome.verdict == "underpowered" else "",
    ]
    low, _, high = describe_required(part).partition(" to ")
    return (
        Cell(outcome.verdict, ", ".join(filter(None, limits)), verdict=outcome.verdict),
        Cell(format_estimate(outcome), format_bounds(outcome) if outcome.interval else "", outcome.estimate),
        Cell(low, f"to {high}" if high else "", outcome.margin),
        Cell(str(outcome.pairs), _beside("r = ", outcome.correlation), outcome.pairs),
        Cell(format_p_value(outcome.p_holm), format_p_value(outcome.sign_flip_p, ""), outcome.p_holm),
    )


def _improvement_cell(outcome: Outcome) -> Cell:
    share = outcome.improvement
    return Cell(NOTHING if share is None else f"{100 * share:.0f} %", _beside("", outcome.effect_size), share)


def _beside(label: str, value: float | None) -> str:
    return "" if value is None else label + format_fixed(value, 2)
