"""The report in one sentence, notes on it, controls, and how the records were made."""

import math
from collections import Counter
from datetime import UTC, datetime

from ablations.framework.seeds import INTERIM_ANALYSES, has_interim_analyses, seeds_per_arm
from bench.records.store import FAILURES
from bench.spec.jobs import Trial, job_kind
from reports.evidence import Evidence, group_by_baseline
from reports.rendering.blocks import Block, Heading, Note
from reports.sections.claims import count_verdicts
from reports.sections.controls import describe_unexpected, tabulate_controls
from reports.statistics.summary import split_baseline
from reports.tables.observations import get_environment
from reports.tables.provenance import differing_fields, field_values
from reports.text.formatting import format_duration, pluralize
from reports.text.reasons import describe_origins

GPU = (
    "Holds on a CPU only. On a GPU the same job may give other bits: torch does not make deterministic those of CUDA's "
    "backward kernels that add by atomics, nor adaptive pooling's backward pass where a layout has it."
)


def describe_report(evidence: Evidence) -> str:
    """Describe the report in one sentence: number of claims, data, profile, tally of verdicts."""
    verdicts = ", ".join(count_verdicts(evidence.claims))
    data, profile = evidence.setting.data.name, evidence.setting.profile.name
    tested = f"{pluralize(len(evidence.claims), 'claim')} tested on {data}, profile {profile}"
    return f"{tested}: {verdicts}." if verdicts else f"{tested}."


def build_notes(evidence: Evidence) -> list[Block]:
    """Build the notes that change how the whole report is read."""
    remarks = dict.fromkeys(record["data"]["note"] for record in evidence.records.values() if record.get("data"))
    notes: list[Block] = [Note("About the data", remark, prominent=True) for remark in remarks if remark]
    if evidence.setting.profile.name == "smoke":
        text = "The smoke profile only shows that the machinery works. Its networks have hardly learnt anything."
        notes.append(Note("Not a result", text, prominent=True))
    if warning := describe_unexpected(evidence.controls):
        notes.append(Note("Unexpected control", warning, prominent=True))
    if origins := differing_fields(map(get_environment, evidence.records.values())):
        notes.append(Note("Mixed records", describe_origins(origins, "The records")))
    return notes


def build_controls(evidence: Evidence) -> list[Block]:
    """Build the chapter about controls; no blocks without any."""
    if not evidence.controls:
        return []
    studies_by_owner = group_by_baseline(evidence.studies, evidence.placed)
    studies = [study for study in evidence.studies if study.name in studies_by_owner]
    splits = [split_baseline(study, evidence.for_study(study).results) for study in studies]
    controls = tabulate_controls(evidence.controls, studies_by_owner, [split for split in splits if split])
    return [Heading("Controls"), controls]


def describe_run(evidence: Evidence) -> dict[str, str]:
    """Describe how the records were made: terms with their descriptions, which report.json contains."""
    setting, records = evidence.setting, list(evidence.records.values())
    threads = " or ".join(_environment_values(evidence, "threads"))
    duration_s = math.fsum(record["ended"] - record["started"] for record in records)
    facts = {
        "Data": _describe_data(evidence),
        "Profile": f"{setting.profile.name}: at most {setting.profile.images:,} training images",
        "Seeds": _describe_seeds(evidence),
        "Device": ", ".join([setting.device, *_environment_values(evidence, "device_name"), setting.precision]),
        "Threads": f"{threads} a job" if threads else "",
        "Trials": _describe_trials(evidence),
        "Other jobs": _describe_other_jobs(evidence),
        "Machine time": format_duration(duration_s) if records else "",
        "Measured": _describe_period(evidence),
        "Commit": _describe_commits(evidence),
        "Software": _describe_software(evidence),
        "Bit-identity": GPU if "cuda" in _environment_values(evidence, "device") else "",
    }
    return {term: text for term, text in facts.items() if text}


def _describe_seeds(evidence: Evidence) -> str:
    setting = evidence.setting
    counts = {study.name: seeds_per_arm(study, setting) for study in evidence.studies if study.arms}
    common = setting.seeds or setting.profile.seeds
    exceptions = [f"{count} in {name}" for name, count in counts.items() if count != common]
    seeds = "; ".join([f"{common} for each arm", *exceptions])
    if not any(has_interim_analyses(study, setting) for study in evidence.studies):
        return seeds
    *earlier, last = INTERIM_ANALYSES
    looks = f"looks at {', '.join(map(str, earlier))} and {last} pairs share one error rate"
    return f"stated comparisons of trials: {looks}; all else: {seeds}"


def _describe_trials(evidence: Evidence) -> str:
    if not len(evidence.trials):
        return "none"
    trials = evidence.trials.drop_duplicates("identity")
    tally = trials["status"].value_counts()
    statuses = [status for status in ("finished", "diverged", *FAILURES, "not run") if status in tally]
    return f"{len(trials):,} different: " + ", ".join(f"{tally[status]:,} {status}" for status in statuses)


def _describe_data(evidence: Evidence) -> str:
    data = evidence.setting.data
    recorded = next((record["data"] for record in evidence.records.values() if record.get("data")), None)
    if recorded is None:
        return f"{data.name}: {data.train:,} training images in {data.classes} classes"
    shared_images = recorded["shared_images"]
    shared = f", {shared_images:,} of them also in the training images" if shared_images else ""
    sizes = [f"{recorded[split]:,}" for split in ("train", "validation", "test")]
    images = f"{sizes[0]} training, {sizes[1]} validation and {sizes[2]} test images{shared}"
    return f"{recorded['name']}: {images}; {data.classes} classes; digest {recorded['digest'][:12]}"


def _describe_other_jobs(evidence: Evidence) -> str:
    places = [place for place in evidence.placed if not isinstance(place.job, Trial)]
    records = {place.job: evidence.find_record(place.job) for place in places}
    tally = Counter(job_kind(job) for job in records)
    finished = sum(record is not None and record["status"] == "finished" for record in records.values())
    kinds = ", ".join(pluralize(number, name) for name, number in tally.items())
    return f"{kinds}; {finished} of {len(records)} finished" if records else ""


def _describe_period(evidence: Evidence) -> str:
    times = [record[name] for record in evidence.records.values() for name in ("started", "ended")]
    if not times:
        return ""
    first, last = (f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}" for time in (min(times), max(times)))
    return f"{first} to {last} UTC"


def _describe_software(evidence: Evidence) -> str:
    labels = (("torch", "torch "), ("python", "Python "), ("platform", ""))
    return ", ".join(label + value for field, label in labels for value in _environment_values(evidence, field))


def _describe_commits(evidence: Evidence) -> str:
    missing_commits = sum(get_environment(record).get("commit") == "" for record in evidence.records.values())
    missing_text = f"none in {pluralize(missing_commits, 'record')}: the code was no checkout that git could read"
    return ", ".join([*_environment_values(evidence, "commit"), *[missing_text] * bool(missing_commits)])


def _environment_values(evidence: Evidence, field: str) -> tuple[str, ...]:
    return field_values(map(get_environment, evidence.records.values()), field)
