"""What a run was asked: studies, how much to spend, on what; kept beside the records so that reports can ask again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from ablations import catalogue
from ablations.profiles import PROFILES
from ablations.study import Placed, Setting, Study, jobs
from bench.data import Source
from bench.spec import BadInput, Data, identity

FILE = "run.json"


class Request(NamedTuple):
    """names: of the studies, as the user wrote them; none means all."""

    names: tuple[str, ...]
    studies: list[Study]
    setting: Setting
    source: Source

    def placed(self) -> list[Placed]:
        return [place for study in self.studies for place in jobs(study, self.setting)]

    def places(self) -> dict[str, list[tuple[str, str]]]:
        """Where each job is used, by its identity: pairs of study and arm."""
        found: dict[str, list[tuple[str, str]]] = {}
        for place in self.placed():
            found.setdefault(identity(place.job), []).append((place.study, place.arm))
        return found


def remember(request: Request, out: Path) -> None:
    setting, source = request.setting, request.source
    kept = {
        "studies": [str(Path(name).resolve()) if name.endswith(".py") else name for name in request.names],
        "profile": setting.profile.name,
        "seeds": setting.profile.seeds,
        "device": setting.device,
        "source": {**vars(source), "data": vars(source.data), "folder": str(source.folder)},
    }
    (out / FILE).write_text(json.dumps(kept, indent=2), encoding="utf-8")


def recall(out: Path) -> Request:
    """The last run's request; needs neither the data nor torch."""
    file = out / FILE
    if not file.exists():
        raise BadInput(f"there is no {file}: nothing was run into {out} yet (see: ablate run --help)")
    kept: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    data = Data(**kept["source"]["data"])
    source = Source(**{**kept["source"], "data": data, "folder": Path(kept["source"]["folder"])})
    chosen = setting(kept["profile"], kept["seeds"], data, kept["device"])
    return Request(tuple(kept["studies"]), catalogue.find(kept["studies"]), chosen, source)


def setting(profile: str, seeds: int | None, data: Data, device: str) -> Setting:
    """bfloat16 on a GPU, float32 on a CPU. seeds: the profile's where None."""
    chosen = PROFILES[profile]
    precision = "bfloat16" if device == "cuda" else "float32"
    return Setting(replace(chosen, seeds=seeds or chosen.seeds), data, device, precision)
