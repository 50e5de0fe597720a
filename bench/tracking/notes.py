"""Descriptions of experiments and runs, which MLflow shows as Markdown."""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.system.text import printable
from bench.tracking.arm_run import ArmRun, StudyArms
from bench.tracking.saved_views import condition, runs_page

NOTE = "mlflow.note.content"
MAX_NOTE_LENGTH = 5000  # characters that every version of MLflow accepts
RESERVE = 200  # of them, for the last lines
MAX_LINKS = 20
OWN = "*Renewed by every `ablate run`; delete this line to keep a text of your own.*"
OPENING = (
    "A run for each arm of each study: means over seeds, with the bounds of their 95 % intervals as `low` and `high`, "
    "and their curves by epoch. An accuracy is a fraction of 1, not percent. A view shows a study's arms with its "
    "factors, metrics and charts."
)
TRIALS = "A run for each trial: a training run of one arm with one seed."
OTHERS = "Counts of parameters, timings, answers to questions about trained networks, and reports, to preview."


def escape(text: str) -> str:
    """Return text that MLflow's Markdown shows as it is, on one line; unprintable characters are escaped."""
    entities = html.escape(printable(" ".join(text.split())), quote=False)  # the converter knows no backslash for these
    escaped = re.sub(r"([\\`*_{}\[\]#|~!])", r"\\\1", entities)
    return re.sub(r"^(\d*)([-+=.)])", r"\1\\\2", escaped)  # begins a list or a heading


def is_own(note: str) -> bool:
    """Whether a note is missing, or was written by this harness and not changed by a user."""
    return not note or note.endswith(OWN)


def make_note(paragraphs: Iterable[str]) -> str:
    """Return a note, which ends with the line that marks it as this harness's; it counts paragraphs without room."""
    text, omitted = "", 0
    for paragraph in filter(None, paragraphs):
        if len(text) + len(paragraph) > MAX_NOTE_LENGTH - RESERVE:
            omitted += 1
        else:
            text += f"{paragraph}\n\n"
    return text + f"And {omitted} more, for which there is no room here.\n\n" * bool(omitted) + OWN


def study_line(study: StudyArms, page: str) -> str:
    """Return a study's name with a link to its view, its question and its verdicts."""
    verdicts = escape(", ".join(f"{result.claim} {result.verdict}" for result in study.results))
    return f"**[{escape(study.study)}]({page})**: {escape(study.question)} {verdicts}".strip()


def arm_note(arm: ArmRun, study: StudyArms, view: str, trials: str) -> str:
    """Return the note of an arm's run.

    Args:
        arm: The arm.
        study: Its study.
        view: Address of the study's view.
        trials: Address of the page of its trials, or ''.
    """
    label = "its trials" if len(arm.trials) <= MAX_LINKS else f"{MAX_LINKS} of its {len(arm.trials)} trials"
    links = [f"[all arms of {escape(study.study)}]({view})"] + [f"[{label}]({trials})"] * bool(trials)
    verdicts = [f"- {escape(f'{result.verdict}: {result.sentence}')}" for result in study.results]
    return make_note([*map(escape, arm.remarks), " · ".join(links), f"**{escape(study.question)}**", *verdicts])


def trial_note(record: Mapping[str, Any], experiment_id: str) -> str:
    """Return the note of a trial: links to the arms that use it, in the experiment of arms; '' if there are none."""
    studies = record.get("tags", {}).get("studies", {})
    places = [(study, arm) for study, arms in sorted(studies.items()) for arm in arms]
    links = [
        f"- [{escape(f'{study} / {arm}')}]({arm_page(experiment_id, study, arm)})" for study, arm in places[:MAX_LINKS]
    ]
    return make_note(["Arms that use this trial:", "\n".join(links)]) if links else ""


def arm_page(experiment_id: str, study: str, arm: str) -> str:
    """Return the address of the page that shows an arm's run, whichever run it is by now."""
    return runs_page(experiment_id, [condition("params.study", study), condition("params.arm", arm)])


def trials_page(experiment_id: str, run_ids: Sequence[str]) -> str:
    """Return the address of the page of an arm's first trials."""
    quoted = ", ".join(f"'{run_id}'" for run_id in run_ids[:MAX_LINKS])
    return runs_page(experiment_id, [f"attributes.run_id IN ({quoted})"])
