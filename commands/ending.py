"""The end of a run: failures, the report with its verdicts, and what to do next."""

import argparse
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from ablations.framework.agenda import Agenda
from ablations.framework.request_store import REQUEST_FILE
from bench.records import store
from bench.runner.backends import torchrun
from bench.tracking.address import is_served_here, store_views
from bench.tracking.retry_queue import RetryQueue
from reports.text.formatting import pluralize, shorten

MAX_REASONS = 5  # reasons of failures that are listed
MIN_REASON_WIDTH = 30


def show_ending(options: argparse.Namespace, agenda: Agenda, queue: RetryQueue, console: Console) -> int:
    """Write and publish the report; print failures, verdicts, paths and the next command.

    Args:
        options: The options of the command.
        agenda: The jobs of the run.
        queue: The connection to MLflow.
        console: Console to print to.

    Returns:
        Exit status: 1 if a job failed.
    """
    from reports import arm_runs, next_step, terminal  # imported late: it takes seconds, and every worker imports this
    from reports.report import report_files

    out, request = options.out, agenda.request
    records = {job: store.read(out, job) for job in agenda.titles}
    failures = {agenda.titles[job]: record for job, record in records.items() if record and store.is_failure(record)}
    _print_failures(failures, options.verbose, console)
    data, setting = request.setting.data, arm_runs.describe_setting(request.setting)
    views = queue.find_views(vars(data), setting, [study.name for study in request.studies])
    if views:  # else those of an earlier run stay
        store_views(out, views)
    report = terminal.show_report(request, out, console, options.verbose, views)
    queue.publish_report(f"({request.setting.profile.name}, {data.name})", [*report_files(out), out / REQUEST_FILE])
    if queue.publisher:
        queue.publish_arms(arm_runs.build_arms(report.evidence, report.blocks))
    if queue.publisher:  # still
        _print_view(views, out, console)
    later_jobs = agenda.total - len(agenda.titles)  # those that unfinished tuning will add
    missing_jobs = sum(record is None for record in records.values()) + later_jobs
    step = next_step.suggest_run(request.studies, request.setting, report.evidence.judgements)
    if failures or missing_jobs:
        option = "--retry-failed" if failures else ""
        step = next_step.NextStep(option, _describe_remaining(len(failures), missing_jobs))
    if step:
        terminal.show_next_step(step, _repeat_command(step.option), console)
    return 1 if failures else 0


def _print_view(views: Mapping[str, str], out: Path, console: Console) -> None:
    """Print how to see all arms in MLflow: a server's page, or the command that serves the database and names it."""
    command = f"{shlex.quote(sys.argv[0])} ui --out {shlex.quote(str(out))}"
    page = views.get("", "")
    console.print(f"MLflow: {page if page and not is_served_here(page) else command}", soft_wrap=True)


def _print_failures(failures: Mapping[str, dict[str, Any]], verbose: bool, console: Console) -> None:
    """Print every failed job, or the number of failed jobs for each reason, which may differ in its numbers."""
    if not failures:
        return
    console.print()
    console.print(f"{pluralize(len(failures), 'job')} failed:", style="bold red")
    if verbose:
        for title, record in failures.items():
            console.print(f"  {record['status']}: {title}: {record['reason']}", style="red")
        return
    titles_by_reason: dict[str, list[str]] = {}
    for title, record in failures.items():
        titles_by_reason.setdefault(re.sub(r"\d+", "0", f"{record['status']}: {record['reason']}"), []).append(title)
    groups = sorted(titles_by_reason.values(), key=len, reverse=True)
    for titles in groups[:MAX_REASONS]:
        record = failures[titles[0]]
        start = f"  {len(titles):,} {record['status']}: "
        example = f" ({'such as ' * (len(titles) > 1)}{shorten(titles[0], console.width // 3)})"
        room = max(MIN_REASON_WIDTH, console.width - len(start) - len(example))
        console.print(f"{start}{shorten(record['reason'], room)}{example}", style="red")
    if others := sum(map(len, groups[MAX_REASONS:])):
        console.print(f"  {others:,} for other reasons: --verbose lists every failed job", style="red")


def _describe_remaining(failed_jobs: int, missing_jobs: int) -> str:
    """Say what the next run does: the jobs that failed, and those without a record."""
    parts = [
        f"reruns {pluralize(failed_jobs, 'failed job')}" if failed_jobs else "",
        f"runs {pluralize(missing_jobs, 'job')} without a record yet" if missing_jobs else "",
    ]
    return ", ".join(filter(None, parts))


def _repeat_command(option: str) -> str:
    """Return the command line of this run with an option, with no-break spaces within words.

    It is '' under torchrun, whose own line is not known.
    """
    if torchrun.process_count() > 1:
        return ""
    name, _, value = option.partition(" ")
    words = [word for word in sys.argv if not (value and word.startswith(f"{name}="))]  # make writes --profile=smoke
    if value and name in words[:-1]:
        words[words.index(name) + 1] = value
    elif option and name not in words:
        words += option.split()
    return " ".join(shlex.quote(word).replace(" ", "\N{NO-BREAK SPACE}") for word in words)
