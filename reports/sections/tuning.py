"""Levels that tuning tried for each arm, with their validation accuracy."""

from ablations import Study
from ablations.framework.tuning import TUNING_SEEDS
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Heading, Note, Table, make_columns
from reports.text.formatting import format_fixed

TITLE = "Tuning"


def build_tuning(study: Study, evidence: Evidence) -> list[Block]:
    """Build the table of levels tried; no blocks for a study without tuning."""
    if study.tuning is None:
        return []
    tuned, factor = evidence.tuned[study.name], study.tuning.factor.replace("_", " ")
    if not tuned.tuned_levels:
        text = f"The tuning trials of the {factor} are not all finished: no arm has a level yet."
        return [Heading(TITLE, 3), Note("Not finished", text)]
    levels = sorted({level for scores in tuned.scores.values() for level in scores})
    rows = []
    for arm, scores in tuned.scores.items():
        takers = [name for name, source in study.tuning.takes.items() if source == arm]
        best = tuned.tuned_levels[takers[0]]
        cells = [Cell(format_fixed(100 * scores[level], 1), "", scores[level], best=level == best) for level in levels]
        other_takers = ", ".join(name for name in takers if name != arm)
        rows.append((Cell(arm, f"also for {other_takers}" if other_takers else ""), *cells))
    table = Table(
        f"{study.name}: validation accuracy, %, by {factor}",
        make_columns("Arm", *(f"{level:g}" for level in levels)),
        tuple(rows),
        f"Mean over seeds {' and '.join(map(str, TUNING_SEEDS))}, which judge no claim. The arm's level is marked. "
        "Tuning uses no test image.",
    )
    return [Heading(TITLE, 3), table]
