"""Levels that tuning tried for each arm, with the metric by which it chose."""

import math

from ablations import Study
from ablations.framework.study import ACCURACY, STEPS
from ablations.framework.tuning import TUNING_SEEDS
from bench.metrics.table import describe_metric
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Cell, Heading, Note, Table, make_columns
from reports.text.formatting import NOTHING, column_heading, format_fixed, pluralize

TITLE = "Tuning"
ACCURACY_SEEDS, STEPS_SEED = " and ".join(map(str, TUNING_SEEDS)), TUNING_SEEDS[0]
RULES = {  # by metric, of learning rates
    ACCURACY: f"Mean over seeds {ACCURACY_SEEDS}. Small: with a third of the epochs. The best two were tried with all "
    "epochs, of which the lowest level within two standard errors of the best wins.",
    STEPS: f"Seed {STEPS_SEED}. Small: with a ninth of the epochs, or with a third if no level arrives by then. If "
    "none arrives by then either, the best two were tried with all epochs. The fewest steps win.",
}
OTHER_RULE = f"Mean over seeds {ACCURACY_SEEDS}, with all epochs. The best mean wins."


def build_tuning(study: Study, evidence: Evidence) -> list[Block]:
    """Build the table of levels tried; no blocks for a study without tuning."""
    if study.tuning is None:
        return []
    tuned, factor = evidence.tuned[study.name], study.tuning.factor.replace("_", " ")
    if unfinished := set(study.tuning.arms) - tuned.tuned_levels.keys():
        text = (
            f"The tuning trials of the {factor} are not all finished: {pluralize(len(unfinished), 'arm')} without it."
        )
        return [Heading(TITLE, 3), Note("Not finished", text)]
    levels = sorted({level for scores in (*tuned.short_scores.values(), *tuned.scores.values()) for level in scores})
    metric = study.tuning.metric
    rows = []
    for arm, scores in tuned.scores.items():
        best, short_scores = tuned.tuned_levels[arm], tuned.short_scores[arm]
        cells = [_make_cell(metric, short_scores.get(level), scores.get(level), level == best) for level in levels]
        rows.append((Cell(arm), *cells))
    rule = RULES[metric] if study.tuning.is_of_rate else OTHER_RULE
    table = Table(
        f"{study.name}: {', '.join(filter(None, column_heading(metric)))}, by {factor}",
        make_columns("Arm", *(f"{level:g}" for level in levels)),
        tuple(rows),
        f"{rule} The arm's level is marked. No claim uses these seeds, and tuning uses no test image.",
    )
    return [Heading(TITLE, 3), table]


def _make_cell(metric: str, short_score: float | None, score: float | None, is_best: bool) -> Cell:
    """Show the score of all epochs, and that of fewer epochs below it; nothing for a level that was not tried."""
    short_text = "" if short_score is None else _format_score(metric, short_score)
    text = NOTHING if score is None else _format_score(metric, score)
    known_score = short_score if score is None else score
    sort = known_score if known_score is not None and math.isfinite(known_score) else None
    return Cell("" if known_score is None else text, short_text, sort, best=is_best)


def _format_score(metric: str, score: float) -> str:
    """Format a mean of the metric; it is infinite where a trial did not arrive."""
    factor = describe_metric(metric).factor
    return format_fixed(score * factor, 0 if factor == 1 else 1) if math.isfinite(score) else "not reached"
