"""A record in MLflow's words: experiment, run, variant, parameters, tags and metrics; and its errors in few. Needs no
MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bench.spec.config import ModelConfig, TrainConfig

LONGEST = 200  # letters of a name, the least that any of MLflow's databases takes being 250
TEXT = 5000  # of a tag
BUDGET = {"classes", "width", "epochs", "share"}  # set by data and profile: a variant's name ends with them
PREFIX = "AlexNet ablations"


def experiment(data: dict[str, Any] | None) -> str:
    """The name of a data set's experiment, or of the one for all that is not a trial."""
    return (
        f"{PREFIX}: {data['name'][:LONGEST]} [{data['digest'][:6]}]" if data else f"{PREFIX}: counts, timings, reports"
    )


def variant(job: dict[str, Any]) -> str:
    """A trial's levels that differ from the house's defaults, and its budget, as one name: runs grouped by it are seeds
    of one arm."""
    defaults = {**vars(ModelConfig()), **vars(TrainConfig())}
    levels = {**job["model"], **job["recipe"]}
    changed = [f"{k}={_text(v)}" for k, v in levels.items() if k not in BUDGET and _text(v) != _text(defaults[k])]
    images = round(job["recipe"]["share"] * job["data"]["train"])
    budget = f"{levels['epochs']} epochs of {images}, width {_text(levels['width'])}"
    return f"{', '.join(changed) or 'baseline'} ({budget})"


def params(record: dict[str, Any]) -> dict[str, str]:
    job = record["job"]
    if record["kind"] != "trial":
        return {"kind": record["kind"]}
    levels = {**job["model"], **job["recipe"], "seed": job["seed"], "precision": job["precision"]}
    return {"variant": variant(job), **{name: _text(level) for name, level in levels.items()}}


def tags(record: dict[str, Any]) -> dict[str, str]:
    known, environment = record.get("tags", {}), record["environment"]
    found = {
        "identity": record["identity"],
        "kind": record["kind"],
        "status": record["status"],
        "profile": ", ".join(known.get("profiles", [])),
        "device": environment.get("device", ""),
        **{f"environment.{name}": str(value) for name, value in environment.items()},
        **studies(record),
    }
    if not record.get("fit", True):
        found["fit"] = "no"
    if note := record.get("data", {}).get("note"):
        found["data.note"] = note
    return {name: value[:TEXT] for name, value in found.items()}


def studies(record: dict[str, Any]) -> dict[str, str]:
    """The tags that tell where a record is used."""
    known = record.get("tags", {}).get("studies", {})
    names = _names(f"study.{study}" for study in known)
    return {names[f"study.{study}"]: (", ".join(filter(None, arms)) or "yes")[:TEXT] for study, arms in known.items()}


def metrics(record: dict[str, Any]) -> Iterator[tuple[str, float, int, int]]:
    """Name, value, milliseconds and step: a trial's points by epoch; the totals of a count; a timing's or a probe's
    samples by round."""
    for point in record.get("points", []):
        for name, value in point["metrics"].items():
            yield name, value, int(point["time"] * 1e3), point["epoch"]
    ended = int(record["ended"] * 1e3)
    for name in ("parameters", "macs"):
        if name in record.get("network", {}):
            yield f"{name}/total", record["network"][name], ended, 0
    samples = record.get("samples", [])
    names = _names(f"{sample['metric']}/{sample['arm']}" for sample in samples)
    for sample in samples:
        yield names[f"{sample['metric']}/{sample['arm']}"], sample["value"], ended, sample["pair"]


def run_name(record: dict[str, Any]) -> str:
    if record["kind"] == "trial":
        return f"{variant(record['job'])} / seed {record['job']['seed']}"
    what = record["job"].get("subject") or record["job"].get("question") or record["identity"]
    return f"{record['kind']} {what}"[:LONGEST]


def brief(error: Exception) -> str:
    """An error of MLflow's or of a driver's in one line, less the page of advice."""
    return ": ".join(filter(None, (type(error).__name__, str(error).strip().partition("\n")[0][:160])))


def _names(texts: Iterable[str]) -> dict[str, str]:
    """The texts as names of metrics or tags; those that would be alike are numbered."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in dict.fromkeys(texts):
        name, again = _name(text), 1
        while (numbered := name if again == 1 else f"{name} {again}") in taken:
            again += 1
        taken.add(numbered)
        found[text] = numbered
    return found


def _name(text: str) -> str:
    """MLflow refuses most punctuation in names, what is long, and parts that paths lose: '', '.', '..'."""
    parts = re.sub(r"[^\w\-. /]", "_", text).split("/")
    name = "/".join(part if part.strip(".") else f"{part}_" for part in parts)
    return name if len(name) <= LONGEST else name[:LONGEST].rstrip("/.")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
