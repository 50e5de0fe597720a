"""`ablate list`: the built-in studies with their questions and claims."""

import argparse

from rich.console import Console

from ablations.framework import discovery


def list_studies(options: argparse.Namespace, console: Console) -> int:
    """Print every built-in study; return the exit status."""
    for study in discovery.find_studies([]):
        console.print(study.name, style="bold", end="  ")
        console.print(study.question)
        for claim in study.claims:
            console.print(f"    {claim.id}: {claim.sentence}")
    return 0
