"""`ablate report`: judge the records again and write the report, training nothing."""

import argparse

from rich.console import Console

from ablations.framework.request_store import load_request


def write_report(options: argparse.Namespace, console: Console) -> int:
    """Write the report, or with --check compare its verdicts with a file's; return the exit status."""
    from reports import terminal  # imported late: they take seconds, and every worker imports the command
    from reports.next_step import suggest_run

    request = load_request(options.out, options.studies, options.trust)
    if options.check:
        return terminal.check_report(request, options.check, options.out, console)
    judgements = terminal.show_report(request, options.out, console, options.verbose)
    if step := suggest_run(request.studies, request.setting, judgements):
        terminal.show_next_step(step, "", console)
    return 0
