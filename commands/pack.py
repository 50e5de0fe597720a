"""`ablate pack`: resize photographs once, so that later epochs decode less."""

import argparse
from collections import Counter

from rich.console import Console


def pack_photographs(options: argparse.Namespace, console: Console) -> int:
    """Pack the folder; return the exit status, 1 if a photograph cannot be read and was left out."""
    from bench.data import photo_packing  # imported late: it imports torch

    tally, counts = Counter[str](), ""
    with console.status("") as status:
        for packed in photo_packing.pack(options.folder, options.target, options.side):
            tally[packed.outcome] += 1
            counts = f"{tally['packed']:,} packed, {tally['present']:,} already there, {tally['unreadable']:,} left out"
            status.update(counts)
            if packed.text:
                prefix = "left out: " if packed.outcome == "unreadable" else ""
                console.print(f"{prefix}{packed.text}", style="yellow")
    console.print(f"{counts}; in {options.target}")
    return 1 if tally["unreadable"] else 0
