"""The arms of a report as MLflow shows them: means and curves, factors, figures and verdicts."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pandas as pd

from ablations import AGAIN, Setting, Study
from ablations.framework.claim import compared_names
from ablations.framework.study import SHUFFLED, all_arms
from bench.spec.config import model_levels
from bench.spec.jobs import Count, Trial
from bench.spec.qualified_names import plain_name
from bench.tracking.arm_run import CONTROL, FURTHER, STATED, SUMMARY_METRICS, ArmRun, ArmsOfRun, Result, StudyArms
from bench.tracking.mlflow_format import format_levels
from reports.evidence import Evidence
from reports.rendering.blocks import Block, Figure, Heading
from reports.sections.answer import chapter_title
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.summary import average_by
from reports.tables.observations import STEPS, tabulate_observations
from reports.text.answers import format_result

MAX_FILE_NAME = 60

Curves = dict[str, dict[int, float]]  # mean by metric and epoch


def build_arms(evidence: Evidence, blocks: Sequence[Block]) -> ArmsOfRun:
    """Build the runs of all arms that have numbers.

    Args:
        evidence: The evidence of the report.
        blocks: The blocks of the report, from which the figures come.
    """
    setting = evidence.setting
    chapters = _chapters(blocks)
    studies = [
        _build_study(study, evidence.for_study(study), chapters.get(chapter_title(study.name), []))
        for study in evidence.studies
    ]
    return ArmsOfRun(
        {"name": setting.data.name, "digest": setting.data.digest},
        describe_setting(setting),
        tuple(study for study in studies if study.arms),
    )


def describe_setting(setting: Setting) -> str:
    """Name what all arms of a run share: 'quick, cpu, float32'."""
    return f"{setting.profile.name}, {setting.device}, {setting.precision}"


def _chapters(blocks: Iterable[Block]) -> dict[str, list[Figure]]:
    """Return the figures of each chapter, by its heading."""
    chapters: dict[str, list[Figure]] = {}
    heading = ""
    for block in blocks:
        if isinstance(block, Heading) and block.level < 3:
            heading = block.text
        elif isinstance(block, Figure):
            chapters.setdefault(heading, []).append(block)
    return chapters


def _build_study(study: Study, evidence: Evidence, figures: Sequence[Figure]) -> StudyArms:
    table = tabulate_observations(evidence.placed, evidence.records)
    metrics = _list_metrics(study, set(table["metric"]))
    arms = tuple(_build_arms(study, evidence, table[table["fit"]], metrics))
    return StudyArms(
        study=study.name,
        question=study.question,
        results=tuple(map(_describe_result, (*evidence.claims, *evidence.literature))),
        arms=arms,
        names=tuple({*all_arms(study), *(place.arm for place in evidence.placed), *(arm.arm for arm in arms)}),
        factors=_list_factors(study, arms),
        metrics=metrics,
        curves=tuple(dict.fromkeys(evidence.curves["metric"])),
        figures={f"{number} {_file_name(figure, study)}.svg": figure.svg for number, figure in enumerate(figures, 1)},
    )


def _build_arms(study: Study, evidence: Evidence, table: pd.DataFrame, metrics: Sequence[str]) -> Iterator[ArmRun]:
    """Yield the arms that are trained or counted, or that a claim compares, if they have observations.

    Args:
        study: The study.
        evidence: Its evidence.
        table: Its observations that are fit for a verdict.
        metrics: Names of the metrics that come first.
    """
    jobs = {place.arm: place.job for place in evidence.placed if isinstance(place.job, Trial | Count)}
    compared = [name for claim in study.claims for part in claim.stated for name in compared_names(part)]
    names = [name for name in dict.fromkeys([*jobs, *compared]) if name not in study.combinations]
    table = table[table["arm"].isin(names)]
    means = dict(iter(average_by(table, ("arm", "metric")).groupby("arm")))
    curves = _average_curves(evidence.curves)
    for name in filter(means.__contains__, names):
        rows = table[table["arm"] == name]
        records = [evidence.records[identity] for identity in rows["identity"].unique()]
        trials = tuple(rows.loc[rows["trained"], "identity"].unique())
        job = jobs.get(name)
        levels = format_levels(
            (model_levels(vars(job.model)) if job else {}) | (vars(job.recipe) if isinstance(job, Trial) else {})
        )
        yield ArmRun(
            study=study.name,
            arm=name,
            role=CONTROL if name in (AGAIN, SHUFFLED) else STATED if name in (study.baseline, *compared) else FURTHER,
            levels=levels,
            points=tuple(_list_points(means[name], curves.get(name, {}), len(trials), metrics)),
            trials=trials,
            started_s=min(record["started"] for record in records),
            ended_s=max(record["ended"] for record in records),
            remarks=tuple(_list_remarks(study, name, levels, rows)),
        )


def _average_curves(curves: pd.DataFrame) -> dict[str, Curves]:
    """Average learning curves over seeds, by arm."""
    means = curves.groupby(["arm", "metric", "epoch"], as_index=False)["value"].mean()
    curves_by_arm: dict[str, Curves] = {}
    for arm, metric, epoch, value in means.itertuples(index=False):
        curves_by_arm.setdefault(arm, {}).setdefault(metric, {})[epoch] = value
    return curves_by_arm


def _list_points(
    means: pd.DataFrame, curves: Curves, seeds: int, first: Sequence[str]
) -> Iterator[tuple[str, float, int]]:
    """Yield each metric's curve, mean and bounds, and the number of seeds.

    The mean of a metric with a curve belongs to the last epoch. A metric with another number of values says so.

    Args:
        means: One row for each metric.
        curves: Means by metric and epoch.
        seeds: Number of the arm's trials.
        first: Names of the metrics that come first.
    """
    rows = {metric: (mean, half, size) for _, metric, mean, half, size in means.itertuples(index=False)}
    for metric in dict.fromkeys((*filter(rows.__contains__, first), *rows)):
        mean, half, size = rows[metric]
        curve = curves.get(metric, {0: mean})
        last_epoch = max(curve)
        yield from ((metric, _round(value), epoch) for epoch, value in curve.items() if epoch < last_epoch)
        values = {metric: mean, f"{metric} high": mean + half, f"{metric} low": mean - half}
        yield from ((name, _round(value), last_epoch) for name, value in values.items() if math.isfinite(value))
        if size != (seeds or 1):
            yield f"{metric} values", size, 0
    yield "seeds", seeds, 0


def _round(value: float) -> float:
    """Round a fraction to the digits that a column of MLflow shows; counts stay as they are."""
    return float(value) if float(value).is_integer() else float(f"{value:.6g}")


def _list_metrics(study: Study, measured: set[str]) -> tuple[str, ...]:
    """Return the names of the metrics of the study's claims, and of those that every study has, if measured."""
    claimed = (part.metric for claim in study.claims for part in claim.stated)
    return tuple(metric for metric in dict.fromkeys((*claimed, *SUMMARY_METRICS)) if metric in measured)


def _list_factors(study: Study, arms: Sequence[ArmRun]) -> tuple[str, ...]:
    """Return the names of the levels that the study's arms set, if the runs of the arms have them."""
    names = dict.fromkeys(name for levels in study.arms.values() for name in levels)
    if study.tuning:
        names[study.tuning.factor] = None
    return tuple(name for name in names if any(name in arm.levels for arm in arms))


def _list_remarks(study: Study, arm: str, levels: Mapping[str, str], rows: pd.DataFrame) -> Iterator[str]:
    """Yield what an arm with these levels and observations is, and what its numbers do not say."""
    set_levels = [f"{name} = {plain_name(levels[name])}" for name in study.arms.get(arm, {}) if name in levels]
    if arm == AGAIN:
        yield f"Control: the baseline, {study.baseline}, again under other seeds."
    elif arm == SHUFFLED:
        yield f"Control: the baseline, {study.baseline}, trained on shuffled labels."
    elif arm == study.baseline:
        yield "The study's baseline."
    elif set_levels:
        yield f"Sets {', '.join(set_levels)}; the study's baseline is {study.baseline}."
    if rows["censored"].any():
        yield f"{STEPS} is a lower bound: not every trial reached this training error within its budget."


def _describe_result(judgement: Judgement) -> Result:
    claim = judgement.claim
    return Result(claim.id, judgement.verdict, f"{claim.sentence} ({format_result(judgement)}).")


def _file_name(figure: Figure, study: Study) -> str:
    """Return what a figure's caption says that it is, in characters that every file system takes."""
    subject = re.split("[:;,]", figure.caption.removeprefix(f"{study.name}: "))[0]
    return re.sub(r"\W+", " ", subject).strip()[:MAX_FILE_NAME]
