"""What every other command does. Each returns its exit status."""

from __future__ import annotations

import argparse
from collections import Counter
from functools import partial

from rich.console import Console
from rich.text import Text

from ablations.framework import discovery
from ablations.framework.request_store import recall
from bench.records import transfer
from bench.spec.errors import InputError
from bench.system.text import printable
from commands import diagnosis
from commands.mlflow_ui import serve


def list_studies(options: argparse.Namespace, console: Console) -> int:
    for study in discovery.find([]):
        console.print(Text.assemble((study.name, "bold"), f"  {study.question}"))
        for claim in study.claims:
            console.print(f"    {claim.id}: {claim.sentence}", highlight=False, markup=False)
    return 0


def report(options: argparse.Namespace, console: Console) -> int:
    from reports import terminal  # only here: it takes seconds, and every worker imports the command

    request = recall(options.out, options.studies)
    if options.check:
        return terminal.compare(request, options.check, options.out, console)
    terminal.report(request, options.out, console)
    return 0


def ui(options: argparse.Namespace, console: Console) -> int:
    return serve(options.out, options.port, partial(console.print, soft_wrap=True))


def export(options: argparse.Namespace, console: Console) -> int:
    count, left = transfer.pack(options.out, options.file, options.weights)
    told = f"; {left} damaged or of another version left out (see: ablate doctor)" if left else ""
    console.print(Text(f"{count} records in {options.file}{told}"), soft_wrap=True)
    return 0


def import_records(options: argparse.Namespace, console: Console) -> int:
    taken = transfer.take(options.origin, options.out, options.weights)
    for refused in taken.refused:
        console.print(Text(f"refused: {refused}", style="yellow"), soft_wrap=True)
    for name in taken.studies:
        told = f"the study {name} is not taken along: name your own copy of the file to report on it"
        console.print(Text(printable(told), style="yellow"), soft_wrap=True)
    told = f"{len(taken.new)} records imported, {len(taken.known)} were here, {len(taken.refused)} refused"
    console.print(told, highlight=False)
    return 1 if taken.refused else 0


def pack(options: argparse.Namespace, console: Console) -> int:
    """Exit status 1 where a photograph cannot be read: the others are packed."""
    from bench.data import pack as packing  # only here: it imports torch

    tally, told = Counter[str](), ""
    with console.status("") as status:
        for one in packing.pack(options.folder, options.target, options.side):
            tally[one.what] += 1
            told = f"{tally['packed']:,} packed, {tally['there']:,} were there, {tally['broken']:,} left out"
            status.update(told)
            if one.reason:
                console.print(Text(f"left out: {one.reason}", style="yellow"), soft_wrap=True)
    console.print(Text(f"{told}; in {options.target}"), highlight=False, soft_wrap=True)
    return 1 if tally["broken"] else 0


def see_doctor(options: argparse.Namespace, console: Console) -> int:
    """Exit status 1 while something is broken, stale or orphaned."""
    if not options.out.is_dir():
        raise InputError(f"there is no folder {options.out}: nothing was run into it yet")
    ill, mendable = 0, 0
    for finding in diagnosis.examine(options.out):
        mended = options.mend and finding.mend is not None
        if mended and finding.mend:
            finding.mend()
        if not mended and finding.state not in ("pending", "running", "earlier"):
            ill, mendable = ill + 1, mendable + (finding.mend is not None)
        console.print(Text(f"{'mended' if mended else finding.state:<8} {finding.what}"), soft_wrap=True)
    how = f"ablate doctor --mend mends {mendable}" if mendable else "each line says how"
    console.print(f"{ill} to mend: {how}" if ill else "healthy", highlight=False)
    return 1 if ill else 0
