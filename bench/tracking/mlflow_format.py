"""Conversion of a record to MLflow's experiment, run, params, tags and metrics, without importing MLflow."""

import re
from collections.abc import Iterable, Iterator, Mapping
from textwrap import shorten
from typing import Any

from bench.spec.config import ALEXNET, ModelConfig, TrainConfig, model_levels
from bench.spec.errors import InputError
from bench.tracking.address import hide_secrets

MAX_NAME_LENGTH = 200  # characters; every database of MLflow accepts 250
MAX_TAG_LENGTH = 5000
MAX_ERROR_LENGTH = 240
BUDGET_FIELDS = {"classes", "width", "epochs", "share"}  # set by data set and profile; a variant's name ends with them
PREFIX = "AlexNet ablations"  # begins the names of experiments
RECORDS = f"{PREFIX}: "  # begins the names of those with records and reports
STUDY_TAG = "study."  # begins the name of a tag with the arms of a study
NAME_TAG = "mlflow.runName"  # setting it renames the run
EXPERIMENT_TAG = "ablate.experiment"  # holds the first name of an experiment, which a user may rename


def experiment_name(data: Mapping[str, Any] | None) -> str:
    """Return the name of a data set's experiment, or of the one for all other kinds of job if `data` is None."""
    if data is None:
        return f"{RECORDS}counts, timings, reports"
    return f"{RECORDS}{data['name'][:MAX_NAME_LENGTH]} [{data['digest'][:6]}]"


def arms_experiment_name(data: Mapping[str, Any]) -> str:
    """Return the name of the experiment with a data set's arms, which sorts before those of `experiment_name`."""
    return f"{PREFIX}, arms on {data['name'][:MAX_NAME_LENGTH]} [{data['digest'][:6]}]"


def variant_name(job: dict[str, Any]) -> str:
    """Return a trial's levels that differ from the defaults, followed by its training budget."""
    is_declared = job["model"].get("network", ALEXNET) != ALEXNET  # the defaults of its factors are not known here
    defaults = {**({} if is_declared else vars(ModelConfig())), **vars(TrainConfig())}
    levels = {**model_levels(job["model"]), **job["recipe"]}
    changed_levels = [
        f"{name}={_text(level)}"
        for name, level in levels.items()
        if name not in BUDGET_FIELDS and _text(level) != _text(defaults.get(name))
    ]
    images = round(job["recipe"]["share"] * job["data"]["train"])
    width = f", width {_text(levels['width'])}" if "width" in levels else ""  # a declared network may have none
    budget = f"{levels['epochs']} epochs of {images}{width}"
    return f"{', '.join(changed_levels) or 'baseline'} ({budget})"


def run_name(record: dict[str, Any]) -> str:
    """Return a trial's study, arm and seed, or another job's kind and subject."""
    if record["kind"] == "trial":
        return trial_name(tags(record), record["job"]["seed"])
    subject = record["job"].get("subject") or record["job"].get("question") or record["identity"]
    return f"{record['kind']} {subject}"[:MAX_NAME_LENGTH]


def trial_name(run_tags: Mapping[str, str], seed: int | str) -> str:
    """Return a trial's name, 'relu / tanh (+2) / seed 3', from its tags; without a study it begins with its variant.

    It begins with the alphabetically first study that uses the trial, and counts the others, so that all machines give
    a run the same name.
    """
    studies = sorted(name for name in run_tags if name.startswith(STUDY_TAG))
    if not studies:
        return f"{shorten(run_tags['variant'], MAX_NAME_LENGTH, placeholder=' ...')}{seed_suffix(seed)}"
    arm = f"{studies[0].removeprefix(STUDY_TAG)} / {run_tags[studies[0]]}"
    others = f" (+{len(studies) - 1})" * (len(studies) > 1)
    return f"{shorten(arm, MAX_NAME_LENGTH, placeholder=' ...')}{others}{seed_suffix(seed)}"


def seed_suffix(seed: int | str) -> str:
    """Return the end of the name of a trial's run."""
    return f" / seed {seed}"


def params(record: dict[str, Any]) -> dict[str, str]:
    """Return a trial's levels and seed, or another job's kind."""
    job = record["job"]
    if record["kind"] != "trial":
        return {"kind": record["kind"]}
    return format_levels(
        {**model_levels(job["model"]), **job["recipe"], "seed": job["seed"], "precision": job["precision"]}
    )


def format_levels(levels: Mapping[str, Any]) -> dict[str, str]:
    """Return levels as the text of params."""
    return {name: _text(level) for name, level in levels.items()}


def tags(record: dict[str, Any]) -> dict[str, str]:
    """Return a record's identity, status, environment, profiles and studies as tags."""
    environment = record["environment"]
    texts = {
        "identity": record["identity"],
        "kind": record["kind"],
        "status": record["status"],
        "profile": ", ".join(record.get("tags", {}).get("profiles", [])),
        "device": environment.get("device", ""),
        **{f"environment.{name}": str(value) for name, value in environment.items()},
        **study_tags(record),
    }
    if record["kind"] == "trial":
        texts["variant"] = variant_name(record["job"])
    if not record.get("fit", True):
        texts["fit"] = "no"
    if note := record.get("data", {}).get("note"):
        texts["data.note"] = note
    return {name: text[:MAX_TAG_LENGTH] for name, text in texts.items()}


def study_tags(record: dict[str, Any]) -> dict[str, str]:
    """Return one tag per study: the arms that use a record."""
    arms_by_study = record.get("tags", {}).get("studies", {})
    names = unique_names(f"{STUDY_TAG}{study}" for study in arms_by_study)
    return {
        names[f"{STUDY_TAG}{study}"]: (", ".join(filter(None, arms)) or "yes")[:MAX_TAG_LENGTH]
        for study, arms in arms_by_study.items()
    }


def metrics(record: dict[str, Any]) -> Iterator[tuple[str, float, int, int]]:
    """Yield (name, value, Unix time in milliseconds, step) for every measured value.

    The step is the epoch for a trial, 0 for a count, the round for a timing, and the seed for a probe.
    """
    for point in record.get("points", []):
        for name, value in point["metrics"].items():
            yield name, value, int(point["time"] * 1e3), point["epoch"]
    ended_ms = int(record["ended"] * 1e3)
    for name in ("parameters", "macs"):
        if name in record.get("network", {}):
            yield f"{name}/total", record["network"][name], ended_ms, 0
    samples = record.get("samples", [])
    names = unique_names(f"{sample['metric']}/{sample['arm']}" for sample in samples)
    for sample in samples:
        yield names[f"{sample['metric']}/{sample['arm']}"], sample["value"], ended_ms, sample["pair"]


def summarize_error(error: Exception) -> str:
    """Return the first line of an error of MLflow or a driver without secrets; advice follows on later lines."""
    if isinstance(error, InputError):
        return str(error)
    first_line = hide_secrets(str(error)).strip().partition("\n")[0]
    return ": ".join(filter(None, (type(error).__name__, shorten(first_line, MAX_ERROR_LENGTH, placeholder=" ..."))))


def to_input_error(address: str, error: Exception) -> InputError:
    """Return the error to raise if MLflow or a driver cannot read an address."""
    if isinstance(error, InputError):
        return error
    return InputError(hide_secrets(f"{address} cannot be read by MLflow: {summarize_error(error)}", address))


def unique_names(texts: Iterable[str]) -> dict[str, str]:
    """Map each text to a valid name of a metric or tag; equal names are numbered."""
    names: dict[str, str] = {}
    for text in dict.fromkeys(texts):
        name, number = _valid_name(text), 1
        while (numbered_name := name if number == 1 else f"{name} {number}") in names.values():
            number += 1
        names[text] = numbered_name
    return names


def _valid_name(text: str) -> str:
    """Replace characters and path parts ('', '.', '..') that MLflow rejects, and shorten long names."""
    parts = re.sub(r"[^\w\-. /]", "_", text).split("/")
    name = "/".join(part if part.strip(".") else f"{part}_" for part in parts)
    return name if len(name) <= MAX_NAME_LENGTH else name[:MAX_NAME_LENGTH].rstrip("/.")


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "+".join(map(str, value)) or "none"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:g}" if is_number else str(value)
