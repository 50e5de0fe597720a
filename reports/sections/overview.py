"""The first page: verdicts, controls, and what was run."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from ablations.framework.seeds import INTERIM_ANALYSES, seeds_per_arm
from bench.records.store import FAILURES
from bench.spec.jobs import Trial, job_kind
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Heading, Note, Verdicts
from reports.sections.claims import controls, line, passed
from reports.statistics.summary import split
from reports.tables.observations import environment
from reports.tables.provenance import mixed, sentence, values
from reports.text.formatting import format_duration, pluralize

GPU = (
    "Holds on a CPU only. On a GPU the same job may give other bits: torch does not make deterministic those of CUDA's "
    "backward kernels that add by atomics, nor adaptive pooling's backward pass where a layout has it."
)


def summarise(evidence: Evidence) -> str:
    primary = [judgement for judgement in evidence.judgements if judgement.claim.primary]
    tally = Counter(judgement.verdict for judgement in primary)
    told = ", ".join(f"{number} {verdict}" for verdict, number in tally.most_common())
    data, profile = evidence.setting.data.name, evidence.setting.profile.name
    asked = f"{pluralize(len(primary), 'claim')} put to the test on {data}, profile {profile}"
    return f"{asked}: {told}." if told else f"{asked}."


def notes(evidence: Evidence) -> list[Block]:
    """What changes how everything else is to be read."""
    told = dict.fromkeys(record["data"]["note"] for record in evidence.records.values() if record.get("data"))
    blocks: list[Block] = [Note("About the data", note, prominent=True) for note in told if note]
    if evidence.setting.profile.name == "smoke":
        text = "The smoke profile only shows that the machinery works. Its networks have hardly learnt anything."
        blocks.append(Note("Not a result", text, prominent=True))
    if wrong := [j.claim.id for j in evidence.judgements if not j.claim.primary and passed(j) == "unexpected"]:
        text = f"{', '.join(wrong)}: see the table of controls. The studies concerned are in doubt."
        blocks.append(Note("A control came out the wrong way", text, prominent=True))
    if differing := mixed(map(environment, evidence.records.values())):
        blocks.append(Note("Mixed records", sentence(differing, "The records")))
    return blocks


def build_verdicts(evidence: Evidence) -> list[Block]:
    primary = [judgement for judgement in evidence.judgements if judgement.claim.primary]
    rest = [judgement for judgement in evidence.judgements if not judgement.claim.primary]
    blocks: list[Block] = [
        Heading("Verdicts"),
        Verdicts(tuple(line(judgement, evidence.noise_floor(judgement)) for judgement in primary), brief=True),
    ]
    found = [split(study, evidence.for_study(study).results) for study in evidence.studies if study.arms]
    splits = [one for one in found if one is not None]
    return blocks + ([Heading("Controls", 3), controls(rest, splits)] if rest else [])


def facts(evidence: Evidence) -> dict[str, str]:
    """What was run, in words."""
    setting, records = evidence.setting, list(evidence.records.values())
    threads = " or ".join(_environment(evidence, "threads"))
    told = {
        "Data": _data(evidence),
        "Profile": f"{setting.profile.name}: at most {setting.profile.images:,} training images",
        "Seeds": _seeds_asked(evidence),
        "Device": ", ".join([setting.device, *_environment(evidence, "device_name"), setting.precision]),
        "Threads": f"{threads} a job" if threads else "",
        "Trials": trials(evidence),
        "Other jobs": _others(evidence),
        "Machine time": format_duration(sum(record["ended"] - record["started"] for record in records))
        if records
        else "",
        "Measured": _when(evidence),
        "Commit": ", ".join(_environment(evidence, "commit")),
        "Software": _software(evidence),
        "Bit-identity": _identical(evidence),
    }
    return {term: text for term, text in told.items() if text}


def _seeds_asked(evidence: Evidence) -> str:
    setting = evidence.setting
    counts = {study.name: seeds_per_arm(study, setting) for study in evidence.studies if study.arms}
    common = setting.seeds or setting.profile.seeds
    others = [f"{count} in {name}" for name, count in counts.items() if count != common]
    own = "; ".join([f"{common} for each arm", *others])
    if setting.extra_seeds is None:
        return own
    *earlier, last = INTERIM_ANALYSES
    looks = f"looks at {', '.join(map(str, earlier))} and {last} pairs share one error rate"
    most = max(setting.extra_seeds.values(), default=0)
    return f"{own}{f', up to {most} where a claim was not decided' if most else ''}; {looks}"


def trials(evidence: Evidence) -> str:
    """How many trials there are, and what became of them."""
    if not len(evidence.trials):
        return "none"
    rows = evidence.trials.drop_duplicates("identity")
    tally = rows["status"].value_counts()
    order = [status for status in ("finished", "diverged", *FAILURES, "not run") if status in tally]
    return f"{len(rows):,} different: " + ", ".join(f"{tally[status]:,} {status}" for status in order)


def _data(evidence: Evidence) -> str:
    data = evidence.setting.data
    known = next((record["data"] for record in evidence.records.values() if record.get("data")), None)
    if known is None:
        return f"{data.name}: {data.train:,} training images in {data.classes} classes"
    shared = f", {known['shared_images']:,} of them also in the training images" if known["shared_images"] else ""
    sizes = f"{known['train']:,} training, {known['validation']:,} validation and {known['test']:,} test images{shared}"
    return f"{known['name']}: {sizes}; {data.classes} classes; digest {known['digest'][:12]}"


def _others(evidence: Evidence) -> str:
    jobs = {place.job: evidence.find_record(place.job) for place in evidence.placed if not isinstance(place.job, Trial)}
    tally = Counter(job_kind(job) for job in jobs)
    done = sum(record is not None and record["status"] == "finished" for record in jobs.values())
    told = ", ".join(pluralize(number, name) for name, number in tally.items())
    return f"{told}; {done} of {len(jobs)} finished" if jobs else ""


def _when(evidence: Evidence) -> str:
    times = [record[name] for record in evidence.records.values() for name in ("started", "ended")]
    if not times:
        return ""
    first, last = (f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M}" for time in (min(times), max(times)))
    return f"{first} to {last} UTC"


def _software(evidence: Evidence) -> str:
    named = (("torch", "torch "), ("python", "Python "), ("platform", ""))
    return ", ".join(label + value for what, label in named for value in _environment(evidence, what))


def _identical(evidence: Evidence) -> str:
    """What a GPU cannot promise; nothing of runs on a CPU."""
    return GPU if "cuda" in _environment(evidence, "device") else ""


def _environment(evidence: Evidence, what: str) -> tuple[str, ...]:
    return values(map(environment, evidence.records.values()), what)
