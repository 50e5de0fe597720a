"""`ablate import`: take records from a file, a folder or an MLflow server."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from bench.records import transfer
from bench.system.text import printable


def import_records(options: argparse.Namespace, console: Console) -> int:
    """Import what can be used; return the exit status, 1 if a record was refused."""
    taken = transfer.take(options.origin, options.out, options.weights)
    for reason in taken.refused:
        console.print(Text(f"refused: {reason}", style="yellow"), soft_wrap=True)
    for name in taken.studies:
        text = f"the file of the study {name} is not imported: to report on it, name your own copy of the file"
        console.print(Text(printable(text), style="yellow"), soft_wrap=True)
    counts = f"{len(taken.new)} records imported, {len(taken.known)} already here, {len(taken.refused)} refused"
    console.print(counts, highlight=False)
    return 1 if taken.refused else 0
