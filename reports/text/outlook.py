"""What would change a verdict: the sentence that ends a claim's card."""

from __future__ import annotations

from ablations import Exact
from reports.statistics.judge import Judgement
from reports.statistics.verdicts import Outcome
from reports.text.comparisons import part_unit
from reports.text.formatting import format_amount, pluralize


def turning(judgement: Judgement) -> str:
    """In words, by the part that decided."""
    if judgement.verdict == "conditional":
        return "It would be one verdict for all if the regimes agreed; each has its own part below."
    return _TURNS[judgement.verdict](judgement.main)


def _decided(main: Outcome) -> str:
    if isinstance(main.part, Exact):
        return "Only another network could change what was counted."
    limit = format_amount(main.part.margin, part_unit(main.part))
    return (
        f"Further seeds would change it if they brought the mean below the margin of {limit}, or p above 0.05; another "
        "data set, width or budget may differ."
    )


def _none(main: Outcome) -> str:
    return "Further seeds would change it only if the 90 % interval left the margins; a smaller margin might."


def _few(main: Outcome) -> str:
    needed = f"about {pluralize(main.needed, 'pair')}" if main.needed else "many more pairs"
    return f"More seeds: {needed} would decide about an effect as large as the margin."


def _open(main: Outcome) -> str:
    return "More seeds would narrow the interval, and move it off the margin or off zero where the truth lies there."


def _missing(main: Outcome) -> str:
    return "Measurements: nothing that it could be judged by was recorded."


_TURNS = {
    "supported": _decided,
    "refuted": _decided,
    "no effect": _none,
    "underpowered": _few,
    "inconclusive": _open,
    "not run": _missing,
}
