"""`ablate export`: every finished record in one file."""

import argparse

from rich.console import Console

from ablations.framework import request_store
from bench.records import archive, store


def export_records(options: argparse.Namespace, console: Console) -> int:
    """Write the records into the file; return the exit status."""
    request = options.out / request_store.REQUEST_FILE
    exported, skipped = archive.pack(options.out, options.file, options.weights, [request] if request.exists() else [])
    skipped_text = f"; {skipped} damaged or of another version left out (see: ablate doctor)" if skipped else ""
    has_weights = any(store.folder(options.out).glob("*.safetensors"))
    weights_text = f"; no weights: {options.out} holds none" if options.weights and not has_weights else ""
    console.print(f"{exported} records in {options.file}{skipped_text}{weights_text}")
    return 0
