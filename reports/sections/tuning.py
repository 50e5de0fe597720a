"""Levels that tuning tried for each arm, with their validation accuracy."""

from ablations import Study
from ablations.framework.tuning import TUNING_SEEDS
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Heading, Note, Table, make_columns
from reports.text.formatting import NOTHING, format_fixed, pluralize

TITLE = "Tuning"


def build_tuning(study: Study, evidence: Evidence) -> list[Block]:
    """Build the table of levels tried; no blocks for a study without tuning."""
    if study.tuning is None:
        return []
    tuned, factor = evidence.tuned[study.name], study.tuning.factor.replace("_", " ")
    if unfinished := study.tuning.takes.keys() - tuned.tuned_levels.keys():
        text = (
            f"The tuning trials of the {factor} are not all finished: {pluralize(len(unfinished), 'arm')} without it."
        )
        return [Heading(TITLE, 3), Note("Not finished", text)]
    levels = sorted({level for scores in (*tuned.short_scores.values(), *tuned.scores.values()) for level in scores})
    rows = []
    for arm, scores in tuned.scores.items():
        takers = [name for name, source in study.tuning.takes.items() if source == arm]
        best = tuned.tuned_levels[takers[0]]
        cells = [_make_cell(tuned.short_scores[arm].get(level), scores.get(level), level == best) for level in levels]
        other_takers = ", ".join(name for name in takers if name != arm)
        rows.append((Cell(arm, f"also for {other_takers}" if other_takers else ""), *cells))
    is_halved = any(tuned.short_scores.values())  # not in records of revision 3
    rounds = "Small: with a third of the epochs. The best two were tried with all epochs, which decides. " * is_halved
    table = Table(
        f"{study.name}: validation accuracy, %, by {factor}",
        make_columns("Arm", *(f"{level:g}" for level in levels)),
        tuple(rows),
        f"Mean over seeds {' and '.join(map(str, TUNING_SEEDS))}, which judge no claim. {rounds}The arm's level is "
        "marked. Tuning uses no test image.",
    )
    return [Heading(TITLE, 3), table]


def _make_cell(short_score: float | None, score: float | None, is_best: bool) -> Cell:
    """Show the score of all epochs, and that of a third of them below it; nothing for a level that was not tried."""
    short_text = "" if short_score is None else format_fixed(100 * short_score, 1)
    if score is None:
        return Cell("" if short_score is None else NOTHING, short_text, short_score)
    return Cell(format_fixed(100 * score, 1), short_text, score, best=is_best)
