"""Claims with their verdicts: a card each, tables of stated comparisons and robustness checks."""

from collections import Counter
from collections.abc import Sequence

from ablations import Contrast
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, ClaimLine, Column, Heading, Table, Verdicts, make_columns
from reports.statistics.claim_verdicts import VERDICTS, Judgement
from reports.statistics.outcomes import Outcome
from reports.statistics.power import POWER
from reports.tables.networks import tests_alexnet
from reports.text.comparisons import (
    describe_part,
    describe_required,
    describe_requirement,
    format_bounds,
    format_estimate,
    format_interim_analysis,
    format_pairs,
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
NUMBERS = ("Estimate", "95 % interval"), "Required", ("Pairs", "correlation r"), ("p, after Holm", "sign-flip p")
LITERATURE = "From the literature"
NOT_CLAIMED = ", not claimed by the article"
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
    compared = [check for _, check in checks if check.interaction]
    different = [(judgement.claim.id, check.name) for judgement, check in checks if check.differs]
    named = [f"{claim} ({', '.join(name for other, name in different if other == claim)})" for claim, _ in different]
    names = f": {format_list(dict.fromkeys(named), MAX_DIFFERENT)}" if different else ""
    counts = f"{pluralize(len(checks), 'robustness check')}, {len(compared) or 'none'} compared with the stated setting"
    return f"{counts}, {len(different) or 'none'} different from it{names}" if compared else counts


def build_claims(evidence: Evidence) -> list[Block]:
    """Build the claims of a study: a card each, those of the literature apart, and a table of robustness checks."""
    blocks: list[Block] = []
    literature = LITERATURE + NOT_CLAIMED * tests_alexnet(evidence.placed)
    for heading, judgements in (("", evidence.claims), (literature, evidence.literature)):
        if judgements:
            lines = [summarise_claim(judgement, evidence.noise_floor(judgement)) for judgement in judgements]
            blocks += [*[Heading(heading, 3)] * bool(heading), Verdicts(tuple(lines))]
    return [*blocks, *_tabulate_checks([*evidence.claims, *evidence.literature])]


def summarise_claim(judgement: Judgement, noise_floor: float | None = None) -> ClaimLine:
    """Summarise a claim on a card.

    Args:
        judgement: The claim with its verdict.
        noise_floor: The noise floor of the claim's contrast, in shown units; None if it has none.
    """
    claim = judgement.claim
    if len(judgement.outcomes) > 1:
        measured = [
            [("compared", describe_part(outcome.part)), *_list_numbers(outcome), ("verdict", outcome.verdict)]
            for outcome in judgement.outcomes
        ]
    else:
        floor = [("noise floor", format_half_width(noise_floor))] if noise_floor and noise_floor > 0 else []
        measured = [[*numbers, *floor] for numbers in [_list_numbers(judgement.main)] if numbers]
    details = tuple(_describe_claim(judgement))
    return ClaimLine(judgement.verdict, claim.id, claim.sentence, tuple(map(tuple, measured)), details)


def _list_numbers(outcome: Outcome) -> list[tuple[str, str]]:
    """List estimate, required effect, interval, pairs and p of a stated comparison, with labels; nothing unmeasured."""
    part = outcome.part
    if outcome.estimate is None:
        return []
    labels = ("ratio" if part.ratio else "difference", "required") if isinstance(part, Contrast) else COUNT_LABELS
    numbers = list(zip(labels, (format_estimate(outcome), describe_required(part)), strict=True))
    if isinstance(part, Contrast):
        numbers += [
            ("95 % interval", format_bounds(part, outcome.interval)),
            ("pairs", format_pairs(outcome)),
            ("p, after Holm", format_p_value(outcome.p_holm)),
        ]
    return numbers


def _describe_claim(judgement: Judgement) -> list[tuple[str, str]]:
    """List setting, preconditions, published results, reason and outlook of a verdict, origin of records, caveat."""
    claim, requirements = judgement.claim, list(map(describe_requirement, judgement.requirements))
    is_explained = judgement.verdict == "not testable here" and bool(requirements)
    remarks = {
        "Stated setting": [claim.setting],
        "Precondition": requirements,
        "Published": [f"{figure.value} ({figure.source})" for figure in claim.published],
        "Why": ["" if is_explained else explain_judgement(judgement)],
        "What could change it": [describe_outlook(judgement)],
        "Origin": [describe_origins(judgement.origins, "Its records")],
        "Caveat": [claim.caveat],
    }
    return [(label, text) for label, texts in remarks.items() for text in texts if text]


def tabulate_comparisons(judgement: Judgement) -> Table:
    """Tabulate the stated comparisons and robustness checks of a claim with all of their numbers."""
    columns = make_columns("Compared", "Verdict", *NUMBERS, ("Pairs improved", "effect size"), text=2)
    named_outcomes = [(describe_part(outcome.part), outcome) for outcome in judgement.outcomes]
    named_outcomes += [
        (f"{check.name}: {describe_part(check.outcome.part)}", check.outcome) for check in judgement.checks
    ]
    rows = [(Cell(name), *_outcome_cells(outcome), _improvement_cell(outcome)) for name, outcome in named_outcomes]
    return Table(f"All comparisons of {judgement.claim.id}", columns, tuple(rows))


def _tabulate_checks(judgements: Sequence[Judgement]) -> list[Table]:
    """Tabulate the robustness checks of claims; no table without any."""
    rows: list[tuple[Cell, ...]] = []
    for judgement in judgements:
        for check in judgement.checks:
            verdict, estimate, _, pairs, _ = _outcome_cells(check.outcome)
            name = Cell(check.name, describe_part(check.outcome.part))
            rows.append((name, Cell(judgement.claim.id), verdict, estimate, pairs, Cell(*explain_check(check))))
    if not rows:
        return []
    against = Column("Against the stated setting", "difference of the differences", numeric=False)
    columns = (*make_columns("Robustness check", "Claim", "Verdict", NUMBERS[0], "Pairs", text=3), against)
    if not any(check.interaction or check.is_same_trials for judgement in judgements for check in judgement.checks):
        rows, columns = [row[:-1] for row in rows], columns[:-1]  # none is comparable
    return [Table("Robustness checks: other settings, which never change a verdict", columns, tuple(rows))]


def _outcome_cells(outcome: Outcome) -> tuple[Cell, ...]:
    """Return verdict, estimate, required effect, pairs and p."""
    part, analysis = outcome.part, outcome.interim_analysis
    limits = [
        format_interim_analysis(analysis) if analysis else "",
        f"{outcome.missing} missing" * bool(outcome.missing),
        f"{outcome.diverged} diverged" * bool(outcome.diverged),
        f"{outcome.censored} not reached" * bool(outcome.censored),
        f"{outcome.needed} pairs for power {POWER}" if outcome.needed and outcome.verdict == "underpowered" else "",
    ]
    low, _, high = describe_required(part).partition(" to ")
    return (
        Cell(outcome.verdict, ", ".join(filter(None, limits)), verdict=outcome.verdict),
        Cell(
            format_estimate(outcome),
            format_bounds(part, outcome.interval) if outcome.interval else "",
            outcome.estimate,
        ),
        Cell(low, f"to {high}" if high else "", outcome.margin),
        Cell(str(outcome.pairs), _beside("r = ", outcome.correlation), outcome.pairs),
        Cell(format_p_value(outcome.p_holm), format_p_value(outcome.sign_flip_p, ""), outcome.p_holm),
    )


def _improvement_cell(outcome: Outcome) -> Cell:
    share = outcome.improvement
    return Cell(NOTHING if share is None else f"{100 * share:.0f} %", _beside("", outcome.effect_size), share)


def _beside(label: str, value: float | None) -> str:
    return "" if value is None else label + format_fixed(value, 2)
