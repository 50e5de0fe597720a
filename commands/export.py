"""`ablate export`: every finished record in one file."""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.text import Text

from bench.records import transfer


def export_records(options: argparse.Namespace, console: Console) -> int:
    """Write the records into the file; return the exit status."""
    exported, skipped = transfer.pack(options.out, options.file, options.weights)
    skipped_text = f"; {skipped} damaged or of another version left out (see: ablate doctor)" if skipped else ""
    console.print(Text(f"{exported} records in {options.file}{skipped_text}"), soft_wrap=True)
    return 0
