"""`ablate report`: judge the records again and write the report, training nothing."""

import argparse
import os
import threading
import time

from rich.console import Console

from ablations.framework.request_store import load_request
from bench.tracking.address import load_views

NICENESS = 5  # of a live report: with a higher one it would wait for minutes behind the jobs


def write_report(options: argparse.Namespace, console: Console) -> int:
    """Write the report, or with --check compare its verdicts with a file's; return the exit status."""
    if options.in_progress:
        os.nice(NICENESS)
        threading.Thread(target=_exit_with_parent, args=(os.getppid(),), daemon=True).start()
    from reports import report, terminal  # imported late: they take seconds, and every worker imports the command
    from reports.next_step import suggest_run

    request = load_request(options.out, options.studies)
    if options.in_progress:
        report.write_live_report(request, options.out)
        return 0
    if request.note:
        console.print(f"Note: {request.note}", style="bold yellow")
    if options.check:
        return terminal.check_report(request, options.check, options.out, console)
    views = load_views(options.out)
    shown_report = terminal.show_report(request, options.out, console, options.verbose, views)
    if step := suggest_run(request.studies, request.setting, shown_report.evidence.judgements):
        terminal.show_next_step(step, "", console)
    return 0


def _exit_with_parent(parent: int) -> None:
    """Exit when the run is killed, because its next report must not be replaced."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
