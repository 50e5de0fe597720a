"""The end of a run: failures, the report with its verdicts, and what to do next."""

import argparse
from typing import TYPE_CHECKING, NamedTuple

from ablations.framework.agenda import Agenda
from ablations.framework.request_store import REQUEST_FILE
from bench.records import store
from bench.tracking.address import store_views
from bench.tracking.retry_queue import RetryQueue
from commands.interface import Interface
from reports.text.formatting import pluralize

if TYPE_CHECKING:  # it takes seconds to import, and every worker imports this file
    from reports.report import Report


class Ending(NamedTuple):
    """The end of a run.

    Attributes:
        status: Exit status: 1 if a job failed.
        report: The report that was written; None in a process of torchrun that is not its first.
    """

    status: int
    report: "Report | None" = None


def end_run(options: argparse.Namespace, agenda: Agenda, queue: RetryQueue, interface: Interface) -> Ending:
    """Write and publish the report; show failures, verdicts, paths and the further run.

    Args:
        options: The options of the command.
        agenda: The jobs of the run.
        queue: The connection to MLflow.
        interface: What shows them.
    """
    from reports import arm_runs, next_step  # imported late: it takes seconds, and every worker imports this
    from reports.report import report_files

    out, request = options.out, agenda.request
    records = {job: store.read(out, job) for job in agenda.titles}
    failures = {agenda.titles[job]: record for job, record in records.items() if record and store.is_failure(record)}
    interface.show_failures(failures)
    data, setting = request.setting.data, arm_runs.describe_setting(request.setting)
    views = queue.find_views(vars(data), setting, [study.name for study in request.studies])
    if views:  # else those of an earlier run stay
        store_views(out, views)
    report = interface.write_report(request, views)
    queue.publish_report(f"({request.setting.profile.name}, {data.name})", [*report_files(out), out / REQUEST_FILE])
    if queue.publisher:
        queue.publish_arms(arm_runs.build_arms(report.evidence, report.blocks))
    if queue.publisher:  # still
        interface.show_view(views)
    later_jobs = agenda.total - len(agenda.titles)  # those that unfinished tuning will add
    missing_jobs = sum(record is None for record in records.values()) + later_jobs
    step = next_step.suggest_run(request.studies, request.setting, report.evidence.judgements)
    if failures or missing_jobs:
        option = "--retry-failed" if failures else ""
        step = next_step.NextStep(option, _describe_remaining(len(failures), missing_jobs))
    if step:
        interface.show_next_step(step)
    return Ending(1 if failures else 0, report)


def _describe_remaining(failed_jobs: int, missing_jobs: int) -> str:
    """Say what the next run does: the jobs that failed, and those without a record."""
    parts = [
        f"reruns {pluralize(failed_jobs, 'failed job')}" if failed_jobs else "",
        f"runs {pluralize(missing_jobs, 'job')} without a record yet" if missing_jobs else "",
    ]
    return ", ".join(filter(None, parts))
