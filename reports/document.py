"""The whole report as blocks: the answer, one chapter per study, how to read it, appendices."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from ablations import Study
from bench.system.text import printable_lines
from bench.tracking.address import is_served_here
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Contents, Facts, Heading, Items, Link, Note, Text
from reports.sections.answer import build_answer, chapter_title
from reports.sections.arm_figures import draw_arms, draw_layers
from reports.sections.arms import build_lost_trials, tabulate_arms, tabulate_metrics
from reports.sections.changes import build_changes
from reports.sections.claims import build_claims, tabulate_comparisons
from reports.sections.components import build_components
from reports.sections.factorial import build_factorial, tabulate_combined
from reports.sections.measurements import build_measurements
from reports.sections.overview import build_controls, build_notes, describe_report, describe_run
from reports.sections.scaling import build_scaling, tabulate_laws
from reports.sections.tuning import build_tuning
from reports.tables.networks import name_networks, report_title
from reports.tables.observations import select_finished
from reports.text.methods import READING, VERDICTS, list_limits, list_methods

NO_VIEWS: Mapping[str, str] = {}
VIEW_LABEL = "Sort, group and compare these arms in MLflow"


def build_document(evidence: Evidence) -> list[Block]:
    """Build all blocks of the report."""
    return [*build_opening(evidence), *build_body(evidence)]


def build_opening(evidence: Evidence, glyph_remark: str = "") -> list[Block]:
    """Build the title and the notes, with one about letters that cannot be shown unless the remark is ''."""
    blocks: list[Block] = [Heading(report_title(evidence.placed), 1), Text(describe_report(evidence), lead=True)]
    blocks += [Note("Letters without a glyph", glyph_remark)] if glyph_remark else []
    return [_escape_controls(block) for block in [*blocks, *build_notes(evidence)]]


def build_body(evidence: Evidence, views: Mapping[str, str] = NO_VIEWS) -> list[Block]:
    """Build all blocks that follow the notes: answer, a chapter per study, how to read it, appendices.

    Args:
        evidence: What the report is made from.
        views: Address of the page with a study's arms in MLflow, by the study's name.
    """
    evidence_by_study = [(study, evidence.for_study(study)) for study in evidence.studies]
    blocks: list[Block] = [*build_answer(evidence), Contents("Contents")]
    for study, own_evidence in evidence_by_study:
        blocks += _build_chapter(study, own_evidence)
        if study.name in views and any(select_finished(own_evidence.placed, evidence.records)):
            needs = " (start `ablate ui` first)" * is_served_here(views[study.name])
            blocks.append(Link(VIEW_LABEL + needs, views[study.name]))
    blocks += build_controls(evidence)
    blocks += [Heading("How to read a verdict"), Text(READING), Facts(VERDICTS, verdicts=True)]
    networks = name_networks(evidence.placed)
    blocks += [Heading("Limitations"), Items(list_limits(networks))]
    blocks += [Heading("Appendix: methods"), Facts(tuple(describe_run(evidence).items()))]
    blocks.append(Facts(list_methods(networks)))
    for study, own_evidence in evidence_by_study:
        blocks += _build_appendix(study, own_evidence)
    return [_escape_controls(block) for block in blocks]


def _build_chapter(study: Study, evidence: Evidence) -> list[Block]:
    """Build a study's chapter: claims with robustness checks, figures, means of the arms."""
    blocks: list[Block] = [Heading(chapter_title(study.name)), Text(study.question, lead=True)]
    blocks += build_lost_trials(evidence)
    blocks += build_claims(evidence)
    if study.switches:
        blocks += build_factorial(study, evidence)
    elif study.arms:
        blocks += [*draw_arms(study, evidence), *tabulate_arms(study, evidence)]
    blocks += build_scaling(study, evidence)
    if study.caveats:
        blocks += [Heading("Caveats", 3), Items(tuple(study.caveats))]
    return blocks


def _build_appendix(study: Study, evidence: Evidence) -> list[Block]:
    """Build a study's appendix: tuning, all numbers, changes of each arm, layers, counts and timings, components."""
    judgements = [*evidence.claims, *evidence.literature]
    blocks: list[Block] = [*build_tuning(study, evidence), *map(tabulate_comparisons, judgements)]
    if study.switches:
        blocks.append(tabulate_combined(study, evidence.results))
    elif study.arms:
        blocks += [*tabulate_metrics(study, evidence), *build_changes(study, evidence), *draw_layers(study, evidence)]
    blocks += [*tabulate_laws(study, evidence), *build_measurements(study, evidence)]
    blocks += build_components(study, evidence)
    return [Heading(f"Appendix: {study.name}"), *blocks] if blocks else []


def _escape_controls(value: Any) -> Any:
    """Replace unprintable characters in a block, or in any part of one, by their escapes."""
    if isinstance(value, str):
        return printable_lines(value)
    if isinstance(value, tuple):
        return tuple(map(_escape_controls, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(value, **{name: _escape_controls(part) for name, part in vars(value).items()})
    return value
