"""Brings records to MLflow while it can be reached; what it misses is delivered at the next contact."""

from __future__ import annotations

import importlib.util
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.records import store
from bench.tracking import mlflow_format

AGAIN = 30.0  # seconds until a server that was away is asked again; twice as many after each further failure
LONGEST = 600.0

Places = Mapping[str, Iterable[tuple[str, str]]]  # where each identity is used: study and arm


class Delivery:
    """say: how a person is told that MLflow is away. Records are complete without it."""

    def __init__(self, out: Path, profile: str, say: Callable[[str], None]) -> None:
        self.out, self.profile, self.say = out, profile, say
        self.due: deque[str] = deque()  # identities of records that wait to be published
        self.publisher: Any = None
        self.pause, self.next_try, self.told = AGAIN, 0.0, False
        self.installed = importlib.util.find_spec("mlflow") is not None
        if not self.installed:
            say("mlflow is not installed: results are kept as records and can be published later")
        self._connect()

    def deliver(self, record: dict[str, Any], places: Places) -> None:
        """One record, tagged with where it is used, and those that wait."""
        store.tag(self.out, record["identity"], self.profile, places.get(record["identity"], ()))
        self.due.append(record["identity"])
        self._publish()

    def deliver_all(self, places: Places) -> None:
        """Every record of this run, and the older ones that the server lacks."""
        self.next_try = 0.0
        self.due.clear()
        for file in sorted(store.folder(self.out).glob("*.json")):
            if file.stem in places:
                store.tag(self.out, file.stem, self.profile, places[file.stem])
            self.due.append(file.stem)
        self._publish()

    def deliver_report(self, name: str, files: Iterable[Path]) -> None:
        self._try(lambda publisher: publisher.publish_report(name, files))

    def _publish(self) -> None:
        self._connect()
        while self.publisher and self.due:
            record = store.read(self.out, self.due[0])
            if record is None or self._try(partial(_publish, record)):
                self.due.popleft()

    def _connect(self) -> None:
        if self.publisher or not self.installed or time.monotonic() < self.next_try:
            return
        try:
            from bench.tracking import mlflow_client  # imports mlflow, which may be absent

            self.publisher = mlflow_client.Publisher(self.out)
        except Exception as error:  # of MLflow, of a driver, of a store of artifacts: none of it ends a run
            self._away(error)

    def _try(self, action: Callable[[Any], None]) -> bool:
        """Whether it is settled: done, or refused for good."""
        if self.publisher is None:
            return False
        from bench.tracking import mlflow_client

        try:
            action(self.publisher)
        except Exception as error:  # as above
            if not mlflow_client.refused(error):
                self._away(error)
                return False
            self.say(f"MLflow refused a record, which is kept: {mlflow_format.brief(error)}")
        self.pause, self.told = AGAIN, False
        return True

    def _away(self, error: Exception) -> None:
        self.publisher, self.next_try = None, time.monotonic() + self.pause
        self.pause = min(2 * self.pause, LONGEST)
        if not self.told:
            self.say(f"MLflow cannot be reached; what is missed is published later: {mlflow_format.brief(error)}")
        self.told = True


def _publish(record: dict[str, Any], publisher: Any) -> None:
    publisher.publish(record)
