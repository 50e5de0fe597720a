"""Records as MLflow runs: one run per job, whichever and however many machines publish it."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.records import store
from bench.system import locks
from bench.tracking import mlflow_client, mlflow_format, notes
from bench.tracking.arm_publisher import ArmPublisher, set_experiment_note, view_addresses
from bench.tracking.arm_run import ArmsOfRun
from bench.tracking.saved_views import view_key, view_page

LOCK_TIMEOUT_S = 10.0
LOCK_POLL_S = 0.005  # a run with much to publish releases the lock for about a millisecond at a time
WEIGHTS = "weights"  # tag of a run that has the weights
ATTEMPTS = 5  # a server refuses one of two machines that create the same name at the same time


class Publisher:
    """Publisher of records, which remembers the runs that the server has.

    Used in the parent process only. One experiment per data set, and one for everything that is not a trial. Runs of
    the command that share an output folder publish in turns; machines that share a server publish at the same time,
    and one of the runs that they make for a job is kept. If the server cannot be reached, every method raises the
    exceptions of MLflow, its database driver or its artifact store.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        lock = locks.lock(out / "mlflow.lock", LOCK_TIMEOUT_S)
        self._lock = partial(lock.acquire, poll_interval=LOCK_POLL_S)
        with self._lock():
            self.client = mlflow_client.open_store(out)
            self.experiment_ids = mlflow_client.experiment_ids(self.client)
            runs = sorted(mlflow_client.find_runs(self.client, self.experiment_ids), key=rank)
            self.runs = {run.data.tags.get("identity"): run for run in runs}

    def publish(self, record: dict[str, Any]) -> None:
        """Publish a record once, with its own timestamps.

        Later calls only set the tags that differ. A run that an earlier attempt left unfinished is completed: the same
        points at the same times add nothing. A job that was measured again gets a new run, unless another machine has
        published a better one.
        """
        self._retry_refused(partial(self._publish, record))

    def publish_report(self, name: str, files: Iterable[Path]) -> None:
        """Store the report's files as artifacts of one run, replacing those of the previous report."""
        self._retry_refused(partial(self._publish_report, f"report {name}", list(files)))

    def publish_arms(self, arms: ArmsOfRun) -> None:
        """Publish the arms of a run, the notes of experiments, and the saved views."""
        self._retry_refused(partial(self._publish_arms, arms))

    def find_views(self, data: Mapping[str, Any], setting: str, studies: Iterable[str]) -> dict[str, str]:
        """Return the address of the page of each study's arms, by name, and of the one of all studies, by ''."""
        experiment_id = self._retry_refused(partial(self._experiment_id, mlflow_format.arms_experiment_name(data)))
        return view_addresses(self.client, experiment_id, setting, studies)

    def _publish_arms(self, arms: ArmsOfRun) -> None:
        experiment_id = self._experiment_id(mlflow_format.arms_experiment_name(arms.data))
        ArmPublisher(self.client, self.out, experiment_id, self.runs).publish(arms)
        whole = view_page(experiment_id, view_key(arms.setting))
        for data, text in ((arms.data, notes.TRIALS), (None, notes.OTHERS)):
            note = notes.make_note([text, f"[Means over the seeds of each arm]({whole})"])
            set_experiment_note(self.client, self._experiment_id(mlflow_format.experiment_name(data)), note)

    def _retry_refused(self, action: Callable[[], Any]) -> Any:
        """Perform the action; repeat it if the server refuses it, since another machine may have done the same."""
        with self._lock():
            for attempts_left in reversed(range(ATTEMPTS)):
                try:
                    return action()
                except Exception as error:
                    if not attempts_left or not mlflow_client.is_refusal(error):
                        raise
                    self.runs.clear()  # another machine, or a user, may have deleted any of them
                    self.experiment_ids.clear()

    def _publish(self, record: dict[str, Any]) -> None:
        name = mlflow_format.experiment_name(record.get("data"))
        experiment_id = self._experiment_id(name)  # first: restoring it brings its runs back
        run = self.runs.get(record["identity"])
        if run is None or not is_same_measurement(run, record):
            run = self._find_best_run(record["identity"])
        tags = run_tags(self.out, record)
        if record["kind"] == "trial":
            tags |= self._note(record, run)
        if run is None or not (is_same_measurement(run, record) or outranks(run, record, tags)):
            return self._create_run(experiment_id, record, tags)
        lacks_weights = WEIGHTS in tags and WEIGHTS not in run.data.tags
        if is_same_measurement(run, record) and (run.info.status == "RUNNING" or lacks_weights):
            self._fill(run, record)
        # more studies may use the job by now
        self._set_tags(run, tags if is_same_measurement(run, record) else mlflow_format.study_tags(record))

    def _create_run(self, experiment_id: str, record: dict[str, Any], tags: dict[str, str]) -> None:
        name = mlflow_format.run_name(record)
        run = self.client.create_run(experiment_id, times_ms(record)[0], tags, name)
        try:
            self._fill(run, record)
        except Exception as error:
            if mlflow_client.is_refusal(error):  # the next attempt makes another run
                self.client.delete_run(run.info.run_id)
            raise

    def _fill(self, run: Any, record: dict[str, Any]) -> None:
        mlflow_client.log_record(self.client, run, self.out, record)
        _, ended_ms = times_ms(record)
        self.client.set_terminated(run.info.run_id, "FAILED" if store.is_failure(record) else "FINISHED", ended_ms)
        self.runs[record["identity"]] = self._find_best_run(record["identity"])

    def _find_best_run(self, identity: str) -> Any:
        """Return the run of a job that is kept, or None.

        Once it has ended, delete the runs that can never outrank it: of several machines the last one to finish sees
        all of them.
        """
        self.experiment_ids = mlflow_client.experiment_ids(self.client)
        is_report = identity.startswith("report ")  # its name may contain quotes
        condition = "tags.identity LIKE 'report %'" if is_report else f"tags.identity = '{identity}'"
        runs = mlflow_client.find_runs(self.client, self.experiment_ids, condition)
        *outranked, best = sorted((run for run in runs if run.data.tags["identity"] == identity), key=rank) or [None]
        for run in outranked:
            if rank(best)[0] and rank(run)[1:] < rank(best)[1:]:
                study_tags = {name: text for name, text in run.data.tags.items() if name.startswith("study.")}
                self._set_tags(best, study_tags | best.data.tags)
                self.client.delete_run(run.info.run_id)
        return best

    def _publish_report(self, identity: str, files: list[Path]) -> None:
        experiment_id = self._experiment_id(mlflow_format.experiment_name(None))
        run = self._find_best_run(identity) or self.client.create_run(
            experiment_id, tags={"identity": identity}, run_name=identity[: mlflow_format.MAX_NAME_LENGTH]
        )
        mlflow_client.log_files(self.client, run, self.out, files)
        self.client.set_terminated(run.info.run_id)
        self._find_best_run(identity)

    def _note(self, record: dict[str, Any], run: Any) -> dict[str, str]:
        """Return the tag with a trial's note, unless a user has changed it."""
        if run is not None and not notes.is_own(run.data.tags.get(notes.NOTE, "")):
            return {}
        data = record.get("data") or record["job"]["data"]  # a trial that failed has no facts about its data
        arms_id = self._experiment_id(mlflow_format.arms_experiment_name(data))
        return {notes.NOTE: notes.trial_note(record, arms_id)}

    def _experiment_id(self, name: str) -> str:
        if name not in self.experiment_ids:
            self.experiment_ids = mlflow_client.experiment_ids(self.client)
        if name not in self.experiment_ids:
            self.experiment_ids[name] = mlflow_client.make_experiment(self.client, name, self.out)
        return self.experiment_ids[name]

    def _set_tags(self, run: Any, tags: dict[str, str]) -> None:
        """Set the tags that differ; the name of a trial's run follows its studies, unless a user has changed it."""
        all_tags, seed = run.data.tags | tags, run.data.params.get("seed")
        if "variant" in all_tags and seed and run.info.run_name.endswith(mlflow_format.seed_suffix(seed)):
            tags = tags | {mlflow_format.NAME_TAG: mlflow_format.trial_name(all_tags, seed)}
        if mlflow_client.set_tags(self.client, run, tags):
            self.runs[run.data.tags["identity"]] = self.client.get_run(run.info.run_id)


def is_same_measurement(run: Any, record: dict[str, Any]) -> bool:
    """Whether the run shows the record's measurement and not one at another time."""
    started_ms, ended_ms = times_ms(record)
    return run.info.start_time == started_ms and (run.info.status == "RUNNING" or run.info.end_time == ended_ms)


def run_tags(out: Path, record: dict[str, Any]) -> dict[str, str]:
    """Return the record's tags, with one more if its weights were kept."""
    has_weights = store.weights_file(out, record["identity"]).exists()
    return mlflow_format.tags(record) | ({WEIGHTS: "kept"} if has_weights else {})


def rank(run: Any) -> tuple[bool, bool, bool, bool, int, int, str]:
    """Sort key of a job's runs, equal on every machine: the highest is kept.

    In this order: complete, not a failure, measured on a quiet machine, with weights, latest.
    """
    info = run.info
    complete = info.status in ("FINISHED", "FAILED")  # 'KILLED' by another machine's doctor is incomplete
    return complete, *_quality(run.data.tags), info.start_time or 0, info.end_time if complete else 0, info.run_id


def outranks(run: Any, record: dict[str, Any], tags: dict[str, str]) -> bool:
    """Whether the run, another machine's, is kept in preference to one of this record with these tags."""
    return rank(run)[:-1] > (True, *_quality(tags), *times_ms(record))


def times_ms(record: dict[str, Any]) -> tuple[int, int]:
    """Start and end of the record's measurement in milliseconds of Unix time, as MLflow stores them."""
    return int(record["started"] * 1e3), int(record["ended"] * 1e3)


def _quality(tags: dict[str, str]) -> tuple[bool, bool, bool]:
    return tags.get("status") not in store.FAILURES, tags.get("fit") != "no", WEIGHTS in tags
