"""The first page: every claim in one figure, and the answer to each topic in plain words."""

from ablations import Contrast
from ablations.framework.seeds import is_trial_metric
from bench.data.splits import share_count
from bench.spec.jobs import Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Answer, Answers, Block, Figure
from reports.rendering.claims_plot import ClaimRow, draw_claims, in_margins
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.answers import answer_claim, format_result
from reports.text.formatting import format_number, format_range

CAPTION = (
    "Estimates with 95 % intervals, in units of each claim's margin, the smallest difference that matters. Grey: "
    "smaller than the margin. Right of zero: as claimed, whatever the sign. Supported or refuted: the estimate lies "
    "beyond the grey zone, and zero is ruled out. Negligible: the 90 % interval lies within the zone; a claim that two "
    "arms are equal is supported there. Hollow: undecided. Counts and untested claims are not drawn. Logarithmic "
    "beyond 2."
)
MAX_ROWS = 32  # claims in a figure, which fits on a page


def build_answer(evidence: Evidence) -> list[Block]:
    """Build the figure of all claims, the answers, and the conditions under which they hold."""
    if not evidence.claims:
        return []
    conditions = (("Measured on", _describe_budget(evidence)), ("Limits", _describe_limit(evidence)))
    answers = Answers(tuple(_answer_topics(evidence)), conditions)
    rows = [_make_row(judgement) for judgement in evidence.claims]
    if all(row.position is None for row in rows):
        return [answers]
    drawings = [
        draw_claims(rows[first : first + MAX_ROWS], f"claims-{first}") for first in range(0, len(rows), MAX_ROWS)
    ]
    return [*(Figure(drawing.svg, drawing.alt, CAPTION) for drawing in drawings), answers]


def chapter_title(study: str) -> str:
    """Return the heading of a study's chapter."""
    return f"Study: {study}"


def _make_row(judgement: Judgement) -> ClaimRow:
    main = judgement.main
    position, interval = None, None
    if isinstance(main.part, Contrast) and main.estimate is not None and judgement.verdict != "not testable here":
        position = _scale(main, main.estimate)
        bounds = [_scale(main, bound) for bound in main.interval] if main.interval else []
        interval = (min(bounds), max(bounds)) if bounds else None
    result = format_result(judgement)
    if isinstance(main.part, Contrast) and position is not None:
        result += f", margin {format_number(main.part.margin)}"
    return ClaimRow(judgement.claim.id, judgement.claim.sentence, judgement.verdict, result, position, interval)


def _scale(outcome: Outcome, value: float) -> float:
    part = outcome.part
    assert isinstance(part, Contrast)
    return in_margins(value, part.margin, part.ratio, part.direction == "lower")


def _answer_topics(evidence: Evidence) -> list[Answer]:
    """Answer each topic by the first claim of its studies, whose verdict and chapter it has, and name the others."""
    answers = []
    topics: dict[str, list[str]] = {}
    for study in evidence.studies:
        topics.setdefault(study.topic.strip() or study.name, []).append(study.name)
    for topic, names in topics.items():
        judgements = [judgement for judgement in evidence.claims if judgement.study in names]
        if judgements:
            lead = judgements[0]
            others = tuple((judgement.claim.id, judgement.verdict) for judgement in judgements[1:])
            answers.append(Answer(topic, lead.verdict, answer_claim(lead), chapter_title(lead.study), others))
    return answers


def _describe_budget(evidence: Evidence) -> str:
    """Describe data, profile, device and the range of the numbers of pairs."""
    setting = evidence.setting
    trials = [place.job for place in evidence.placed if isinstance(place.job, Trial)]
    images = share_count(max((trial.recipe.share for trial in trials), default=0.0), setting.data.train)
    outcomes = [outcome for judgement in evidence.claims for outcome in judgement.outcomes]
    pairs = [outcome.pairs for outcome in outcomes if outcome.pairs and is_trial_metric(outcome.part.metric)]
    facts = [setting.data.name, f"profile {setting.profile.name}", setting.device, setting.precision]
    facts += [f"at most {images:,} training images"] if trials else []
    facts += [f"{format_range(min(pairs), max(pairs))} pairs of trials for a comparison"] if pairs else []
    return f"{', '.join(facts)}."


def _describe_limit(evidence: Evidence) -> str:
    """Say which other data and budgets the findings need not hold for."""
    data = evidence.setting.data
    return (
        f"Findings on {data.name}, with {data.classes} classes, and under this budget need not hold for other images, "
        "such as ImageNet's photographs, for wider networks or for longer training."
    )
