"""What a run is asked: studies, how much to spend, on what; and the jobs that follow."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ablations.framework.expand import Placed, jobs
from ablations.framework.profiles import PROFILES
from ablations.framework.study import AGAIN_SEEDS, Setting, Study
from ablations.framework.tuning import assumed, tune
from bench.data.source import Source
from bench.records import store
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Job, Trial, describe, identity, job_kind
from bench.system.text import printable


class Request(NamedTuple):
    """names: of the studies, as the user wrote them; none means all. tries: what tuning wants, as far as is known."""

    names: tuple[str, ...]
    studies: list[Study]
    setting: Setting
    source: Source
    tries: tuple[Placed, ...] = ()

    def placed(self) -> list[Placed]:
        return [*self.tries, *(place for study in self.studies for place in _jobs(study, self.setting))]

    def settled(self, out: Path, assume: bool = False) -> Request:
        """With what tuning has found so far, and what it has yet to try. assume: some level for each arm whose own is
        not known yet, so that its jobs can be counted."""
        chosen, tries = {}, list[Placed]()
        for study in self.studies:
            found = tune(study, self.setting, partial(store.read, out))
            chosen[study.name] = found.chosen or (assumed(study.tuning) if assume and study.tuning else {})
            tries += found.tries
        return self._replace(setting=self.setting._replace(chosen=chosen), tries=tuple(tries))

    def titles(self) -> dict[Job, str]:
        """The jobs, each once, with what a person reads for it: its place in the first study that asks for it."""
        found: dict[Job, str] = {}
        for place in self.placed():
            found.setdefault(place.job, _title(place))
        return found

    def places(self) -> dict[str, list[tuple[str, str]]]:
        """Where each job is used, by its identity: pairs of study and arm."""
        found: dict[str, list[tuple[str, str]]] = {}
        for place in self.placed():
            found.setdefault(identity(place.job), []).append((place.study, place.arm))
        return found


def _title(place: Placed) -> str:
    job = place.job
    if isinstance(job, Trial):
        return f"{place.study} / {place.arm} / seed {place.seed}"
    what = getattr(job, "subject", None) or getattr(job, "question", None) or place.arm
    return f"{place.study} / {job_kind(job)} of {what}"


def _jobs(study: Study, setting: Setting) -> list[Placed]:
    """The study's jobs; raises InputError where the study's own code or levels raise anything."""
    try:
        found = jobs(study, setting)
        for place in found:
            hash(place.job), identity(place.job), json.dumps(describe(place.job), ensure_ascii=False).encode()
    except InputError:
        raise
    except Exception as error:
        raise InputError(printable(f"study {study.name} cannot be used: {type(error).__name__}: {error}")) from error
    return found


def setting(profile: str, seeds: int | None, data: DataConfig, device: str) -> Setting:
    """bfloat16 on a GPU, float32 on a CPU. seeds: the profile's, or a study's own, where None."""
    if seeds is not None and not 1 <= seeds <= AGAIN_SEEDS:
        raise InputError(f"--seeds is {seeds}: it must be 1 to {AGAIN_SEEDS}")
    if device not in ("cpu", "cuda"):
        raise InputError(f"the device is {device!r}; it can be cpu, cuda")
    precision = "bfloat16" if device == "cuda" else "float32"
    return Setting(PROFILES[profile], data, device, precision, seeds)
