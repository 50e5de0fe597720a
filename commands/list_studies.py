"""`ablate list`: the built-in studies with their questions and claims, and apart from them the literature's claims."""

import argparse
import sys
import textwrap
from collections.abc import Iterable

from rich.console import Console

from ablations import Claim
from ablations.framework import discovery


def list_studies(options: argparse.Namespace, console: Console) -> int:
    """Print every built-in study, and the setting that decides each claim; return the exit status."""
    from reports.text.comparisons import describe_setting  # imported late: it takes seconds

    def show(claims: Iterable[Claim]) -> None:
        for claim in claims:
            _print_wrapped(console, f"{claim.id}: {claim.sentence}", 4)
            _print_wrapped(console, f"setting: {describe_setting(claim)}", 8)

    studies = discovery.find_studies([])
    for study in studies:
        _print_wrapped(console, f"{study.name}: {study.question}", 0, "bold")
        show(claim for claim in study.claims if claim.kind == "claim")
    console.print()
    console.print("From the literature, not claimed by the article", style="bold")
    show(claim for study in studies for claim in study.claims if claim.kind == "literature")
    return 0


def _print_wrapped(console: Console, text: str, indent: int, style: str = "") -> None:
    """Print a text, wrapped in a terminal; in a file it is one line."""
    width = console.width if console.is_terminal else sys.maxsize
    for line in textwrap.wrap(text, width, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2)):
        console.print(line, style=style)
