"""The first page: every claim in one figure, the answer to each topic in plain words, and what this cannot say."""

from ablations import Contrast
from reports.evidence import Evidence
from reports.rendering.blocks import Answer, Answers, Block, Figure
from reports.rendering.claims_plot import ClaimRow, draw_claims, in_margins
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import Outcome
from reports.text.answers import answer_topic, format_result
from reports.text.formatting import pluralize
from reports.text.methods import LIMITS

CAPTION = (
    "Every claim with its estimate and 95 % interval, in margins: 1 is the smallest difference that matters, to the "
    "right as claimed, in the grey zone too small to matter. Hollow: undecided. Counts have no interval."
)


def build_answer(evidence: Evidence) -> list[Block]:
    """Build the figure of all claims, the answers, and the conditions under which they hold."""
    if not evidence.claims:
        return []
    drawing = draw_claims([_make_row(judgement) for judgement in evidence.claims], "claims")
    conditions = ("Measured on", _describe_budget(evidence)), ("Not said", LIMITS[0].strip())
    return [Figure(drawing.svg, drawing.alt, CAPTION), Answers(tuple(_answer_topics(evidence)), conditions)]


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
    return ClaimRow(judgement.claim.sentence, judgement.verdict, format_result(judgement), position, interval)


def _scale(outcome: Outcome, value: float) -> float:
    part = outcome.part
    assert isinstance(part, Contrast)
    return in_margins(value, part.margin, part.ratio, part.direction == "lower")


def _answer_topics(evidence: Evidence) -> list[Answer]:
    """Answer each topic by the claims of its studies; the first of them names the chapter."""
    answers = []
    topics: dict[str, list[str]] = {}
    for study in evidence.studies:
        topics.setdefault(study.topic or study.name, []).append(study.name)
    for topic, names in topics.items():
        judgements = [judgement for judgement in evidence.claims if judgement.study in names]
        if judgements:
            lead = judgements[0]
            answers.append(Answer(topic, lead.verdict, answer_topic(judgements), chapter_title(lead.study)))
    return answers


def _describe_budget(evidence: Evidence) -> str:
    setting = evidence.setting
    images = min(setting.profile.images, setting.data.train)
    pairs = [outcome.pairs for judgement in evidence.claims for outcome in judgement.outcomes if outcome.interval]
    seeds = f", {min(pairs)} to {pluralize(max(pairs), 'pair')} of trials" if pairs else ""
    return (
        f"{setting.data.name}, at most {images:,} training images, profile {setting.profile.name}, {setting.device}, "
        f"{setting.precision}{seeds}."
    )
