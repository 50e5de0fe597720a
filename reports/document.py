"""The whole report as blocks: verdicts first, then what was run, then a chapter a study."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablations import Study
from ablations.framework.expand import PlacedJob
from bench.records.store import FAILURES
from bench.spec.jobs import Count, Probe, Timing
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Contents, Facts, Heading, Items, Note, Text, escape_controls
from reports.sections.arms import arms, drawn, printed
from reports.sections.claims import detail, published
from reports.sections.counts import build_counts
from reports.sections.factorial import factorial
from reports.sections.overview import build_verdicts, facts, notes, summarise
from reports.sections.probes import build_probes
from reports.sections.scaling import scaled
from reports.sections.switches import switches, warning
from reports.sections.timings import build_timings
from reports.sections.tuning import tuned
from reports.tables.observations import Record
from reports.text.methods import LIMITS, METHODS, VERDICTS

TITLE = "AlexNet: claims and verdicts"
NAMED = 20  # so many lost seeds of an arm are told one by one


def page(evidence: Evidence) -> list[Block]:
    blocks: list[Block] = [Heading(TITLE, 1), Text(summarise(evidence), lead=True), *notes(evidence)]
    blocks += [
        Contents("Contents"),
        *build_verdicts(evidence),
        Heading("What was run"),
        Facts(tuple(facts(evidence).items())),
    ]
    for study in evidence.studies:
        blocks += chapter(study, evidence.for_study(study))
    return [escape_controls(block) for block in blocks + _methods()]


def chapter(study: Study, evidence: Evidence) -> list[Block]:
    """A study: its claims, its arms, its other jobs. evidence: what belongs to it."""
    primary = [judgement for judgement in evidence.judgements if judgement.claim.primary]
    blocks: list[Block] = [Heading(f"Study: {study.name}"), Text(study.question, lead=True), *_lost(evidence)]
    blocks += [Heading("Claims", 3)] * bool(primary)
    for judgement in primary:
        blocks += detail(judgement, evidence.noise_floor(judgement))
    blocks += tuned(study, evidence)
    if study.switches:
        blocks += factorial(study, evidence)
    elif study.arms:
        blocks += [Heading("What each arm changes", 3), switches(study, evidence), *warning(study, evidence)]
        blocks += [Heading("Arms", 3), arms(study, evidence), *printed(study, evidence)]
        figures = drawn(study, evidence)
        blocks += [Heading("Figures", 3), *figures] if figures else []
    blocks += [*scaled(study, evidence), *_measurements(evidence)]
    if any(judgement.claim.published for judgement in primary):
        blocks += [Heading("Published figures", 3), published(study.name, primary)]
    if study.caveats:
        blocks += [Heading("Caveats", 3), Items(tuple(study.caveats))]
    return blocks


def _measurements(evidence: Evidence) -> list[Block]:
    """Counts, timings and probes, each kind under a heading, with a note for each job that has not finished."""
    blocks: list[Block] = []
    for title, kind, build in (
        ("Counts", Count, build_counts), ("Timings", Timing, build_timings), ("Probes", Probe, build_probes)
    ):  # fmt: skip
        places = [place for place in evidence.placed if isinstance(place.job, kind)]
        notes = [note for place in places if (note := _unfinished(place, evidence.find_record(place.job)))]
        blocks += [Heading(title, 3)] * bool(places) + [*notes, *build(evidence)]
    return blocks


def _unfinished(place: PlacedJob, record: Record | None) -> Note | None:
    if record and record["status"] == "finished":
        return None
    name = place.arm or getattr(place.job, "subject", "") or getattr(place.job, "question", "")
    return Note("Not finished", f"{name}: {record['reason'] if record else 'not run'}")


def _lost(evidence: Evidence) -> list[Block]:
    """Trials without a result, counted and named with their reasons, a status at a time."""
    rows = evidence.trials
    if not len(rows) or (rows["status"] == "finished").all():
        return []
    told = []
    for status in ("diverged", *FAILURES, "not run"):
        lost = rows[rows["status"] == status]
        named = [f"{arm} (seed {_seeds(group['seed'].tolist())})" for arm, group in lost.groupby("arm", sort=False)]
        told += [f"{len(lost)} of {len(rows)} trials {status}: {'; '.join(named)}."] if named else []
        told += _reasons(evidence, lost["identity"])
    return [Note("Trials without a result", " ".join(told))]


def _reasons(evidence: Evidence, identities: Iterable[str]) -> list[str]:
    records = [evidence.records[name] for name in identities if name in evidence.records]
    reasons = sorted({str(record["reason"]).rstrip(".") for record in records if record.get("reason")})
    more = f"{len(reasons) - NAMED:,} more reasons."
    return [f"Reason: {reason}." for reason in reasons[:NAMED]] + [more] * (len(reasons) > NAMED)


def _seeds(seeds: Sequence[int]) -> str:
    return ", ".join(map(str, seeds[:NAMED])) + f" and {len(seeds) - NAMED:,} more" * (len(seeds) > NAMED)


def _methods() -> list[Block]:
    return [
        Heading("How to read a verdict"),
        Text(
            "Each claim names a metric, two arms to compare, a direction and a margin. Accuracies are percentages of "
            "images; differences between them are in points, so that 71 % against 70 % is one point."
        ),
        Facts(VERDICTS, verdicts=True),
        Heading("Methods"),
        Facts(METHODS),
        Heading("What this cannot say"),
        Items(LIMITS),
    ]
