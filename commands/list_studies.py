"""`ablate list`: the built-in studies with their questions and claims, and apart from them the literature's claims."""

import argparse
import sys
import textwrap

from rich.console import Console

from ablations import Claim
from ablations.framework import discovery


def list_studies(options: argparse.Namespace, console: Console) -> int:
    """Print every built-in study, and the setting that decides each claim; return the exit status."""
    studies = discovery.find_studies([])
    for study in studies:
        console.print(f"{study.name}  {study.question}", style="bold")
        for claim in study.claims:
            if claim.kind == "claim":
                _print_claim(claim, console)
    console.print()
    console.print("From the literature, not claimed by the article", style="bold")
    for study in studies:
        for claim in study.claims:
            if claim.kind == "literature":
                _print_claim(claim, console)
    return 0


def _print_claim(claim: Claim, console: Console) -> None:
    """Print a claim and its setting, wrapped in a terminal; in a file each is one line."""
    from reports.text.comparisons import (
        describe_setting,
    )  # imported late: it takes seconds, and every worker imports this

    width = console.width if console.is_terminal else sys.maxsize
    for text, indent in ((f"{claim.id}: {claim.sentence}", 4), (f"setting: {describe_setting(claim)}", 8)):
        wrapper = textwrap.TextWrapper(width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2))
        for line in wrapper.wrap(text):
            console.print(line)
