"""The whole report as blocks: verdicts, setup, one chapter per study, methods."""

from ablations import Study
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Contents, Facts, Heading, Items, Note, Text, escape_controls
from reports.sections.answer import build_answer, chapter_title
from reports.sections.arm_figures import draw_arms
from reports.sections.arms import build_lost_trials, tabulate_arms
from reports.sections.changes import build_changes
from reports.sections.claims import build_claim, tabulate_published
from reports.sections.factorial import build_factorial
from reports.sections.measurements import build_measurements
from reports.sections.overview import LITERATURE, build_notes, build_verdicts, describe_report, describe_run
from reports.sections.scaling import build_scaling
from reports.sections.tuning import build_tuning
from reports.text.methods import LIMITS, METHODS, READING, VERDICTS

TITLE = "AlexNet: claims and verdicts"


def build_document(evidence: Evidence) -> list[Block]:
    """Build all blocks of the report."""
    return [*build_opening(evidence), *build_body(evidence)]


def build_opening(evidence: Evidence, glyph_remark: str = "") -> list[Block]:
    """Build the title and the notes, with one about letters that cannot be shown unless the remark is ''."""
    blocks: list[Block] = [Heading(TITLE, 1), Text(describe_report(evidence), lead=True)]
    blocks += [Note("Letters without a glyph", glyph_remark)] if glyph_remark else []
    return [escape_controls(block) for block in [*blocks, *build_notes(evidence)]]


def build_body(evidence: Evidence) -> list[Block]:
    """Build all blocks that follow the notes."""
    blocks: list[Block] = [*build_answer(evidence), Contents("Contents"), *build_verdicts(evidence)]
    blocks += [Heading("Experimental setup"), Facts(tuple(describe_run(evidence).items()))]
    for study in evidence.studies:
        blocks += _build_chapter(study, evidence.for_study(study))
    blocks += [Heading("How to read a verdict"), Text(READING), Facts(VERDICTS, verdicts=True)]
    blocks += [Heading("Methods"), Facts(METHODS), Heading("Limitations"), Items(LIMITS)]
    return [escape_controls(block) for block in blocks]


def _build_chapter(study: Study, evidence: Evidence) -> list[Block]:
    blocks: list[Block] = [Heading(chapter_title(study.name)), Text(study.question, lead=True)]
    blocks += build_lost_trials(evidence)
    for heading, judgements in (("Claims", evidence.claims), (LITERATURE, evidence.literature)):
        blocks += [Heading(heading, 3)] * bool(judgements)
        for judgement in judgements:
            blocks += build_claim(judgement, evidence.noise_floor(judgement))
    blocks += build_tuning(study, evidence)
    if study.switches:
        blocks += build_factorial(study, evidence)
    elif study.arms:
        blocks += [Heading("What each arm changes", 3), *build_changes(study, evidence)]
        blocks += [Heading("Arms", 3), tabulate_arms(study, evidence)]
        figures = draw_arms(study, evidence)
        blocks += [Heading("Figures", 3), *figures] if figures else []
    blocks += [*build_scaling(study, evidence), *build_measurements(study, evidence)]
    judgements = [*evidence.claims, *evidence.literature]
    if any(judgement.claim.published for judgement in judgements):
        blocks += [Heading("Published figures", 3), tabulate_published(study.name, judgements)]
    if study.caveats:
        blocks += [Heading("Caveats", 3), Items(tuple(study.caveats))]
    return blocks
