"""Each claim of the project's studies can be judged: by metrics and arms that its jobs measure."""

import dataclasses
import json
from functools import cache

import pytest
import torch
from project_studies import DATA, STUDIES, each_study, make_setting
from pydantic import TypeAdapter

from ablations import Contrast, Exact, Requires
from ablations.framework.expand import expand_study
from ablations.framework.study import all_claims
from bench.data.image_sets import ResidentImages
from bench.metrics.table import find_metric
from bench.models import complexity
from bench.models.network import build
from bench.probes.answering import QUESTIONS
from bench.spec.config import ModelConfig
from bench.spec.jobs import Count, Timing, Trial, identity
from reports.tables.observations import STEPS, tabulate_combinations, tabulate_observations, tabulate_results

TRIAL_METRICS = {
    "test/accuracy",
    "test/loss",
    "train/accuracy",
    "train/loss",
    "validation/accuracy",
    "validation/loss",
    "gap/accuracy",
    "sparsity/zeros/mean",
    "sparsity/active/mean",
    "sparsity/hoyer/mean",
    "sparsity/treves_rolls/mean",
    "sparsity/dead/mean",
    "gradient/first_to_last/start",
    "gradient/first_to_last/epoch_1",
    STEPS,
}


def imagine_record(place):
    """Make a record with every metric that the job would measure, each with the value 1."""
    job = place.job
    record = {"identity": identity(job), "status": "finished", "job": dataclasses.asdict(job)}
    if isinstance(job, Trial):
        record["points"] = [{"step": 0, "epoch": 0, "metrics": dict.fromkeys(TRIAL_METRICS, 1.0)}]
    elif isinstance(job, Count):
        record["network"] = complexity.count_network(job.model)
    elif isinstance(job, Timing):
        metrics = {
            "activations": ["time/kernel_ms", *(f"time/kernel_ms/{size}" for size in job.sizes)],
            "steps": ["time/step_ms"],
            "layers": [f"time/forward_ms/batch {size}" for size in job.sizes],
        }[job.subject]
        record["samples"] = [
            {"arm": arm, "pair": pair, "metric": metric, "value": 1.0}
            for metric in metrics
            for arm, _ in job.arms
            for pair in range(job.rounds)
        ]
    else:
        record["samples"] = [{**sample, "pair": pair} for sample in answer_question(job.question) for pair in range(2)]
    return record


@cache
def answer_question(question):
    """Answer a probe's question for small untrained networks."""
    question, model = QUESTIONS[question], ModelConfig(width=1 / 16, normalisation="lrn", dropout=0.5)
    canvas = torch.randint(0, 256, (12, 32, 32, 3), dtype=torch.uint8)
    networks = [build(model, seed) for seed in range(question.networks)]
    with torch.no_grad():
        answers = question.answer(networks, ResidentImages(canvas, torch.arange(12) % 10))
    return [{"arm": arm, "metric": m, "value": v} for arm, metrics in answers.items() for m, v in metrics.items()]


@each_study
def test_every_arm_and_metric_of_a_claim_is_measured(study):
    placed = expand_study(study, make_setting(study))
    records = {identity(place.job): imagine_record(place) for place in placed}
    observations = tabulate_observations(placed, records)
    combinations = tabulate_combinations(study, tabulate_results(placed, records))
    measured = {(row.arm, row.metric) for table in (observations, combinations) for row in table.itertuples()}
    for claim in all_claims(study, DATA):
        for part in claim.parts:
            assert (part.arm, part.metric) in measured, claim.id
            if isinstance(part.reference, str) and part.reference:
                assert (part.reference, part.metric) in measured, claim.id


def test_the_imagined_trial_has_no_metric_that_a_real_one_lacks(smoke):
    record = json.loads(next((smoke.out / "trials").glob("*.json")).read_text())
    assert TRIAL_METRICS - {STEPS} <= {name for point in record["points"] for name in point["metrics"]}


def test_every_metric_of_a_real_trial_can_be_named_by_a_claim(smoke):
    record = json.loads(next((smoke.out / "trials").glob("*.json")).read_text())
    metrics = {name for point in record["points"] for name in point["metrics"]}
    assert [name for name in metrics if find_metric(name) is None] == []


@each_study
def test_a_claim_is_a_sentence_with_parts_and_a_margin(study):
    for claim in all_claims(study, DATA):
        assert claim.parts and claim.sentence and not claim.sentence.endswith(".")
        for part in claim.parts:
            if isinstance(part, Contrast):
                assert part.direction in ("higher", "lower", "equal")
                assert part.margin > (1 if part.ratio else 0)
                assert part.arm != part.reference
            else:
                assert isinstance(part, Exact) and part.low <= part.high


@each_study
def test_every_claim_names_its_stated_setting(study):
    assert all(claim.setting for claim in study.claims)


@each_study
def test_every_published_result_has_a_value_and_a_source(study):
    for claim in study.claims:
        for figure in claim.published:
            assert figure.value and figure.source


def test_no_two_claims_share_an_id():
    ids = [claim.id for study in STUDIES for claim in all_claims(study, DATA)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("value, is_met", [(14.9, False), (15, True), (30, True), (30.1, False)])
def test_a_precondition_may_have_two_bounds(value, is_met):
    assert Requires("sparsity/active/mean", "arm", at_least=15, at_most=30).is_met_by(value) == is_met


@pytest.mark.parametrize("bounds", [{}, {"at_least": 30, "at_most": 15}])
def test_a_precondition_without_bounds_or_with_none_between_is_refused(bounds):
    with pytest.raises(ValueError, match="a precondition on train/accuracy needs at_least, at_most or both"):
        TypeAdapter(Requires).validate_python(Requires("train/accuracy", "arm", **bounds))
