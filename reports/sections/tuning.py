"""How each arm came to its level: what was tried, on validation images alone."""

from __future__ import annotations

from ablations import Study
from ablations.framework.tuning import TUNING_SEEDS
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Column, Heading, Note, Table
from reports.text.formatting import format_fixed

TITLE = "Tuning"


def tuned(study: Study, evidence: Evidence) -> list[Block]:
    """Nothing for a study that tunes nothing."""
    if study.tuning is None:
        return []
    found, factor = evidence.tuned[study.name], study.tuning.factor.replace("_", " ")
    if not found.tuned_levels:
        return [
            Heading(TITLE, 3),
            Note("Not finished", f"The tries for the {factor} are not all done: no arm has one."),
        ]
    levels = sorted({level for scores in found.scores.values() for level in scores})
    rows = []
    for arm, scores in found.scores.items():
        takers = [name for name, source in study.tuning.takes.items() if source == arm]
        best = found.tuned_levels[takers[0]]
        cells = [Cell(format_fixed(100 * scores[level], 1), "", scores[level], best=level == best) for level in levels]
        others = ", ".join(name for name in takers if name != arm)
        rows.append((Cell(arm, f"also for {others}" if others else ""), *cells))
    table = Table(
        f"{study.name}: validation accuracy, %, by {factor}",
        (Column("Arm", numeric=False), *(Column(f"{level:g}") for level in levels)),
        tuple(rows),
        f"Mean over seeds {' and '.join(map(str, TUNING_SEEDS))}, which judge nothing. The level that an arm takes is "
        "marked. No test image played a part.",
    )
    return [Heading(TITLE, 3), table]
