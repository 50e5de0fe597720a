"""What a run is asked: studies, how much to spend, on what; and the jobs that follow."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import NamedTuple

from ablations.placed import Placed, jobs
from ablations.profiles import PROFILES
from ablations.study import AGAIN_SEEDS, Setting, Study
from ablations.tuning import assumed, tune
from bench import records
from bench.data import Source
from bench.sources import line
from bench.spec import BadInput, Data, Job, Trial, describe, identity, kind


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
            found = tune(study, self.setting, partial(records.read, out))
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
    return f"{place.study} / {kind(job)} of {what}"


def _jobs(study: Study, setting: Setting) -> list[Placed]:
    """The study's jobs; raises BadInput where the study's own code or levels raise anything."""
    try:
        found = jobs(study, setting)
        for place in found:
            hash(place.job), identity(place.job), json.dumps(describe(place.job), ensure_ascii=False).encode()
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(line(f"study {study.name} cannot be used: {type(error).__name__}: {error}")) from error
    return found


def setting(profile: str, seeds: int | None, data: Data, device: str) -> Setting:
    """bfloat16 on a GPU, float32 on a CPU. seeds: the profile's, or a study's own, where None."""
    if seeds is not None and not 1 <= seeds <= AGAIN_SEEDS:
        raise BadInput(f"--seeds is {seeds}: it must be 1 to {AGAIN_SEEDS}")
    if device not in ("cpu", "cuda"):
        raise BadInput(f"the device is {device!r}; it can be cpu, cuda")
    precision = "bfloat16" if device == "cuda" else "float32"
    return Setting(PROFILES[profile], data, device, precision, seeds)
