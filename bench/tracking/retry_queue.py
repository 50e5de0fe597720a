"""Queue of records for MLflow: records that could not be published are retried later."""

import importlib.util
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from operator import methodcaller
from pathlib import Path
from typing import Any

from bench.records import store
from bench.spec.errors import InputError
from bench.tracking import mlflow_format
from bench.tracking.address import AddressError
from bench.tracking.arm_run import ArmsOfRun

FIRST_PAUSE_S = 30.0  # pause before the next attempt to connect; doubled after each failure
MAX_PAUSE_S = 600.0

Places = Mapping[str, Iterable[tuple[str, str]]]  # the (study, arm) pairs that use each job, by identity


class RetryQueue:
    """Publishes records as they are finished; a run never fails because of MLflow.

    Attributes:
        waiting: Identities of records that are not published yet.
        publisher: The connection; None while MLflow cannot be reached or is not installed.
        is_installed: Whether mlflow can be imported.
        usable: Whether, besides, it can use the database.

    Raises:
        AddressError: MLFLOW_TRACKING_URI is no address that MLflow can use.
    """

    def __init__(self, out: Path, profile: str, warn: Callable[[str], None]) -> None:
        self.out, self.profile, self.warn = out, profile, warn
        self.waiting: deque[str] = deque()
        self.publisher: Any = None
        self._pause_s, self._next_contact, self._warned, self._refused = FIRST_PAUSE_S, 0.0, False, False
        self.usable = self.is_installed = importlib.util.find_spec("mlflow") is not None
        if not self.usable:
            warn("mlflow is not installed: results are kept as records and can be published later")
        self._connect()

    def publish(self, record: dict[str, Any], places: Places) -> None:
        """Tag a record with the studies and arms that use it; publish it and all waiting records."""
        store.add_tags(self.out, record["identity"], self.profile, places.get(record["identity"], ()))
        self.waiting.append(record["identity"])
        self._publish_waiting()

    def publish_all(self, places: Places) -> None:
        """Publish all records in the output folder that the server lacks."""
        self._next_contact = 0.0
        self.waiting.clear()
        for file in sorted(store.folder(self.out).glob("*.json")):
            if file.stem in places:
                store.add_tags(self.out, file.stem, self.profile, places[file.stem])
            self.waiting.append(file.stem)
        self._publish_waiting()

    def publish_report(self, name: str, files: Iterable[Path]) -> None:
        """Publish the report's files if MLflow can be reached."""
        self._try(methodcaller("publish_report", name, files))

    def publish_arms(self, arms: ArmsOfRun) -> None:
        """Publish the arms of a run if MLflow can be reached; the next run does it otherwise."""
        self._try(methodcaller("publish_arms", arms))

    def find_views(self, data: Mapping[str, Any], setting: str, studies: Iterable[str]) -> dict[str, str]:
        """Return the addresses of `Publisher.find_views`, or none if MLflow cannot be reached."""
        views: dict[str, str] = {}
        self._try(lambda publisher: views.update(publisher.find_views(data, setting, studies)))
        return views

    def _publish_waiting(self) -> None:
        self._connect()
        while self.publisher and self.waiting:
            record = store.read(self.out, self.waiting[0])
            if record is None or self._try(methodcaller("publish", record)):
                self.waiting.popleft()

    def _connect(self) -> None:
        if self.publisher or not self.usable or time.monotonic() < self._next_contact:
            return
        try:
            from bench.tracking import publisher  # mlflow may be missing

            self.publisher = publisher.Publisher(self.out)
        except AddressError:
            raise
        except InputError as error:  # it stays so until the user acts
            self.usable = False
            self.warn(f"{error}; results are kept as records and can be published later")
        except Exception as error:  # MLflow, database drivers and artifact stores raise classes of their own
            self._disconnect(error)

    def _try(self, action: Callable[[Any], None]) -> bool:
        """Perform the action; return whether it succeeded or was refused permanently, so that no retry is needed."""
        if self.publisher is None:
            return False
        from bench.tracking import mlflow_client

        try:
            action(self.publisher)
        except Exception as error:  # of any class, as in `_connect`
            if not mlflow_client.is_refusal(error):
                self._disconnect(error)
                return False
            if not self._refused:
                self.warn(
                    f"MLflow refused what it was sent, which is kept on disk: {mlflow_format.summarize_error(error)}"
                )
            self._refused = True
        self._pause_s, self._warned = FIRST_PAUSE_S, False
        return True

    def _disconnect(self, error: Exception) -> None:
        self.publisher, self._next_contact = None, time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, MAX_PAUSE_S)
        if not self._warned:
            reason = mlflow_format.summarize_error(error)
            self.warn(f"MLflow cannot be reached; missing records are published later: {reason}")
        self._warned = True
