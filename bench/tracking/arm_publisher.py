"""The experiment of arms: a run for each arm, which is renewed when its numbers change, and the saved views."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import REVISION
from bench.tracking import mlflow_client, mlflow_database, mlflow_format, notes, saved_views
from bench.tracking.address import web_address
from bench.tracking.arm_run import ArmRun, ArmsOfRun, StudyArms

OWN_TAGS = ("identity", "digest", "role", "setting", "revision", "figures")
IDENTITY = "arm "  # begins the identity of an arm's run
SECTION = "ablate.study."  # begins the name of a tag with the line on a study in the experiment's note


class ArmPublisher:
    """Publisher of arms to one experiment.

    Args:
        client: The connection.
        out: The output folder, for the artifacts of a database that has none for them.
        experiment_id: The experiment of the arms of the data set.
        trial_runs: Runs of trials, by the trial's identity.
    """

    def __init__(self, client: Any, out: Path, experiment_id: str, trial_runs: Mapping[str, Any]) -> None:
        self.client, self.out, self.experiment_id, self.trial_runs = client, out, experiment_id, trial_runs

    def publish(self, arms: ArmsOfRun) -> None:
        """Make each arm's run equal to the arm, and write notes and views; equal ones are left as they are."""
        runs_by_identity: dict[str, list[Any]] = {}
        for run in mlflow_client.search_runs(self.client, [self.experiment_id]):
            runs_by_identity.setdefault(run.data.tags.get("identity", ""), []).append(run)
        for study in arms.studies:
            for arm in study.arms:
                runs = runs_by_identity.pop(arm_identity(arm, arms.setting), [])
                self._publish_arm(arm, study, arms.setting, runs)
        names_by_study = {study.study: study.names for study in arms.studies}
        for run in (run for runs in runs_by_identity.values() for run in runs):
            params = run.data.params
            is_of_study = run.data.tags.get("setting") == arms.setting and params.get("study") in names_by_study
            if is_of_study and params.get("arm") not in names_by_study[params["study"]]:
                self._delete(run)
        self._describe(arms)

    def _publish_arm(self, arm: ArmRun, study: StudyArms, setting: str, runs: Sequence[Any]) -> None:
        """Make a run for an arm unless one of its runs has its content, or more seeds; delete the others."""
        tags = {
            "identity": arm_identity(arm, setting),
            "digest": arm.digest,
            "role": arm.role,
            "setting": setting,
            "revision": str(REVISION),
            "figures": hashlib.sha256(repr(sorted(study.figures.items())).encode()).hexdigest()[:16],
            notes.NOTE: self._note(arm, study, setting),
        }
        complete_runs = [run for run in runs if run.info.status == "FINISHED"]
        if any(_has_more_seeds(run, arm) for run in complete_runs):
            return  # of another machine or folder
        for run in complete_runs:  # a user's own texts stay
            if not notes.is_own(run.data.tags.get(notes.NOTE, "")):
                tags[notes.NOTE] = run.data.tags[notes.NOTE]
        equal_runs = [run for run in complete_runs if run.data.tags.get("digest") == arm.digest]
        run = equal_runs[0] if equal_runs else self._create(arm, tags | _user_tags(complete_runs))
        if not equal_runs or run.data.tags.get("figures") != tags["figures"]:
            self._log_figures(run, study.figures)
        if equal_runs:
            mlflow_client.set_tags(self.client, run, tags)
        else:
            self.client.set_terminated(run.info.run_id, end_time=int(arm.ended_s * 1e3))
        for other in runs:
            if other.info.run_id != run.info.run_id:
                self._delete(other)

    def _create(self, arm: ArmRun, tags: Mapping[str, str]) -> Any:
        """Create a run with all points, at the end of the arm's last trial."""
        name = f"{arm.arm} ({arm.study})"[: mlflow_format.MAX_NAME_LENGTH]
        run = self.client.create_run(self.experiment_id, int(arm.started_s * 1e3), tags, name)
        ended_ms = int(arm.ended_s * 1e3)
        names = mlflow_format.unique_names(metric for metric, _, _ in arm.points)
        points = [(names[metric], value, ended_ms, epoch) for metric, value, epoch in arm.points]
        mlflow_client.log_values(self.client, run, points, {"study": arm.study, "arm": arm.arm, **arm.levels})
        return run

    def _delete(self, run: Any) -> None:
        """Delete a run and its files, of which MLflow would keep a copy for each renewal."""
        mlflow_database.artifact_store(run, self.client.tracking_uri, self.out).delete_artifacts()
        self.client.delete_run(run.info.run_id)

    def _log_figures(self, run: Any, figures: Mapping[str, str]) -> None:
        """Store the figures as the run's files, in place of those that it has."""
        mlflow_database.artifact_store(run, self.client.tracking_uri, self.out).delete_artifacts()
        with tempfile.TemporaryDirectory() as folder:
            for name, figure in figures.items():
                (Path(folder) / name).write_text(figure, encoding="utf-8")
            mlflow_client.log_files(self.client, run, self.out, sorted(Path(folder).iterdir()))

    def _note(self, arm: ArmRun, study: StudyArms, setting: str) -> str:
        view = saved_views.view_page(self.experiment_id, saved_views.view_key(setting, study.study))
        runs = [self.trial_runs[identity] for identity in arm.trials if identity in self.trial_runs]
        ids = [run.info.run_id for run in runs]
        page = notes.trials_page(runs[0].info.experiment_id, ids) if runs else ""
        return notes.arm_note(arm, study, view, page)

    def _describe(self, arms: ArmsOfRun) -> None:
        """Set the tags of the experiment that differ: a line for each study, the views, and the note of all lines."""
        old_tags = self.client.get_experiment(self.experiment_id).tags
        tags = dict(_study_lines(arms, self.experiment_id)) | dict(_views(arms))
        for name, text in tags.items():
            if old_tags.get(name) != text:
                self.client.set_experiment_tag(self.experiment_id, name, text)
        all_tags = self.client.get_experiment(self.experiment_id).tags
        own = f"{SECTION}{saved_views.view_key(arms.setting)}"
        other_names = sorted(all_tags.keys() - tags.keys(), key=lambda name: (not name.startswith(own), name))
        lines = [all_tags[name] for name in (*tags, *other_names) if name.startswith(SECTION)]
        set_experiment_note(self.client, self.experiment_id, notes.make_note([notes.OPENING, *lines]))


def _has_more_seeds(run: Any, arm: ArmRun) -> bool:
    """Whether a run shows the arm by more seeds of the same revision."""
    return run.data.tags.get("revision") == str(REVISION) and run.data.metrics.get("seeds", 0) > arm.seeds


def _user_tags(runs: Sequence[Any]) -> dict[str, str]:
    """Return the tags that a user has given to the runs of an arm."""
    tags = {name: text for run in runs for name, text in run.data.tags.items()}
    return {name: text for name, text in tags.items() if not name.startswith("mlflow.") and name not in OWN_TAGS}


def set_experiment_note(client: Any, experiment_id: str, note: str) -> None:
    """Set an experiment's note if it differs, unless a user has changed it."""
    old_note = client.get_experiment(experiment_id).tags.get(notes.NOTE, "")
    if notes.is_own(old_note) and old_note != note:
        client.set_experiment_tag(experiment_id, notes.NOTE, note)


def view_addresses(client: Any, experiment_id: str, setting: str, studies: Iterable[str]) -> dict[str, str]:
    """Return the address of the page of each study's arms, by name, and of the one of all studies, by ''.

    It is that of a saved view, unless the server is too old to show them.

    Args:
        client: The connection.
        experiment_id: The experiment of arms.
        setting: Profile, device and precision in a phrase.
        studies: Names of the studies.
    """
    base, names = web_address(client.tracking_uri), ["", *studies]
    if saved_views.supports_views(mlflow_database.server_version(client.tracking_uri)):
        pages = {name: saved_views.view_page(experiment_id, saved_views.view_key(setting, name)) for name in names}
    else:
        conditions = {name: saved_views.study_conditions(setting, name) for name in names}
        pages = {name: saved_views.runs_page(experiment_id, conditions[name]) for name in names}
    return {name: f"{base}/{page}" for name, page in pages.items()}


def find_newest_view(client: Any) -> str:
    """Return the part after the server's address of the newest view of all studies; '' if the server shows none."""
    if not saved_views.supports_views(mlflow_database.server_version(client.tracking_uri)):
        return ""
    views = [
        (saved_views.creation_ms(text), experiment.experiment_id, name.removeprefix(saved_views.TAG_PREFIX))
        for experiment in client.search_experiments()
        for name, text in experiment.tags.items()
        if name.startswith(f"{saved_views.TAG_PREFIX}{saved_views.WHOLE}")
    ]
    _, experiment_id, key = max(views, default=(0, "", ""))
    return saved_views.view_page(experiment_id, key) if key else ""


def arm_identity(arm: ArmRun, setting: str) -> str:
    """Return the identity of an arm's run, which stays when the run is renewed."""
    return IDENTITY + hashlib.sha256(repr([arm.study, arm.arm, setting]).encode()).hexdigest()[:16]


def _study_lines(arms: ArmsOfRun, experiment_id: str) -> Iterator[tuple[str, str]]:
    """Yield a tag with the heading of the setting, and one with a line for each study."""
    whole = saved_views.view_key(arms.setting)
    page = saved_views.view_page(experiment_id, whole)
    yield f"{SECTION}{whole}", f"### [{notes.escape(arms.setting)}: all studies]({page})"
    for study in arms.studies:
        key = saved_views.view_key(arms.setting, study.study)
        yield f"{SECTION}{whole}.{key}", notes.study_line(study, saved_views.view_page(experiment_id, key))


def _views(arms: ArmsOfRun) -> Iterator[tuple[str, str]]:
    """Yield the tag of each view; MLflow lists them from the latest to the earliest: the whole, then study by study."""
    ended_ms = int(1e3 * max((arm.ended_s for study in arms.studies for arm in study.arms), default=0.0))
    states = {"": saved_views.whole_state(arms.studies, arms.setting)}
    states |= {study.study: saved_views.study_state(study, arms.setting) for study in arms.studies}
    for number, (name, state) in enumerate(states.items()):
        text = saved_views.encode_view(f"{name or 'all studies'} ({arms.setting})", ended_ms - number, state)
        yield f"{saved_views.TAG_PREFIX}{saved_views.view_key(arms.setting, name)}", text
