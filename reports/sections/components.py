"""What a study's file declares: each component with its digest, the trials that used it, and its source text."""

from collections import Counter

from ablations import Study
from bench.extensions.component import find_qualified_names
from bench.spec.jobs import Trial
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Code, Heading, Table, make_columns

TAB_SPACES = 4
REMARK = (
    "The digest is that of the code below, without comments, docstrings and layout. Trials of other code have another "
    "digest, and are not part of this report."
)


def build_components(study: Study, evidence: Evidence) -> list[Block]:
    """Build a table of the components, and the source text of each; no blocks for a study without any."""
    if not study.components:
        return []
    trials = count_trials_by_component(study, evidence)
    rows = tuple(
        (*map(Cell, (component.name, component.kind, component.digest)), Cell(f"{number:,}", sort=number))
        for component, number in zip(study.components, trials, strict=True)
    )
    columns = make_columns("Component", "Kind", "Digest", "Trials", text=3)
    table = Table(f"{study.name}: components that its file declares", columns, rows, REMARK)
    sources = [
        Code(f"{component.kind} {component.name}", component.source.expandtabs(TAB_SPACES).strip("\n"))
        for component in study.components
    ]
    return [Heading("Components", 3), table, *sources]


def count_trials_by_component(study: Study, evidence: Evidence) -> list[int]:
    """Count the study's trials with a record that used each of its components, in their order."""
    jobs = {place.job for place in evidence.placed if place.study == study.name and isinstance(place.job, Trial)}
    used = Counter(name for job in jobs if evidence.find_record(job) for name in find_qualified_names(job))
    return [used[component.qualified_name] for component in study.components]
