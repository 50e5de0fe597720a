"""Brings records to MLflow while it can be reached; what it misses is delivered at the next contact."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import records

Places = Mapping[str, Iterable[tuple[str, str]]]  # where each identity is used: study and arm


class Delivery:
    """say: how a person is told that MLflow is away. Records are complete without it."""

    def __init__(self, out: Path, profile: str, places: Places, say: Callable[[str], None]) -> None:
        self.out, self.profile, self.places, self.say = out, profile, places, say
        self.installed = importlib.util.find_spec("mlflow") is not None
        if not self.installed:
            say("mlflow is not installed: results are kept as records and can be published later")
        self.publisher = self._connect()

    def deliver(self, record: dict[str, Any]) -> None:
        """One finished record, tagged with where it is used."""
        record = records.tag(self.out, record, self.profile, self.places.get(record["identity"], ()))
        self._publish(record)

    def deliver_all(self) -> None:
        """Every record of this run, and the older ones that the server lacks."""
        self.publisher = self.publisher or self._connect()
        for record in records.read_all(self.out):
            if record["identity"] in self.places:
                self.deliver(record)
            else:
                self._publish(record)

    def deliver_report(self, name: str, files: Iterable[Path]) -> None:
        self._try(lambda publisher: publisher.publish_report(name, files))

    def _publish(self, record: dict[str, Any]) -> None:
        self._try(lambda publisher: publisher.publish(record))

    def _connect(self) -> Any:
        if not self.installed:
            return None
        from bench import publish  # imports mlflow, which may be absent

        try:
            return publish.Publisher(self.out)
        except publish.UNREACHABLE as error:
            self._away(error)
            return None

    def _try(self, action: Callable[[Any], None]) -> None:
        if self.publisher is None:
            return
        from bench import publish

        try:
            action(self.publisher)
        except publish.UNREACHABLE as error:
            if publish.refused(error):
                self.say(f"MLflow refused a record, which is kept: {str(error).splitlines()[0][:160]}")
            else:
                self.publisher = None
                self._away(error)

    def _away(self, error: Exception) -> None:
        self.say(f"MLflow cannot be reached, so the next run will publish: {str(error).splitlines()[0][:160]}")
