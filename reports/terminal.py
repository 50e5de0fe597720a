"""The verdicts as a person sees them at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from ablations.study import Exact
from reports.claims import passed
from reports.judge import Judgement
from reports.outcome import estimate
from reports.units import asked, interval, named, stated


def tables(judgements: Sequence[Judgement]) -> Iterator[Table]:
    """A line a claim, then a line a control; what is shown is the part that decided, or the first where several did."""
    for heading, primary in (("claim", True), ("control", False)):
        table = Table(heading, "verdict", "shown", "estimate", "asked for", "95 % interval", "pairs", box=None)
        for judged in (found for found in judgements if found.claim.primary is primary):
            main, verdict = judged.main, judged.verdict if primary else passed(judged)
            pairs = str(main.pairs) if main.interval else ""
            wanted = stated(main.part) if isinstance(main.part, Exact) else asked(main.part)
            found = estimate(main), wanted, interval(main.interval), pairs
            table.add_row(*map(Text, (judged.claim.id, verdict, named(main.part), *found)))
        yield table
