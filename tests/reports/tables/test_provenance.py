"""Records measured by different code or on different machines."""

import json

import fabricate
import pandas as pd
import pytest

from ablations import Claim, Contrast, Exact
from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import Facts, Note, Verdicts
from reports.report import export_verdicts
from reports.sections import overview
from reports.statistics.claim_verdicts import judge
from reports.tables import provenance
from reports.tables.observations import Observation
from reports.text.reasons import describe_origins, explain_judgement

CPU = {"device": "cpu", "device_name": "a processor"}
OTHER = {"device": "cpu", "device_name": "another processor"}
GPU = {"device": "cuda", "device_name": "a GPU"}


def gathered(out, **fields):
    """Trials under a seed above 0 come from an environment with other fields."""
    study, setting = fabricate.activations(), fabricate.setting()
    fabricate.write(out, [study], setting)
    other = {"environment": fabricate.ENVIRONMENT | fields}
    fabricate.amend(out, lambda record: other if record["job"].get("seed", 0) % 1000 else {})
    return gather(out, [study], setting)


def judged(evidence, claim):
    return next(judgement for judgement in evidence.judgements if judgement.claim.id == claim)


def origin(judgement):
    return describe_origins(judgement.origins, "Its records")


def test_a_claim_names_the_differences_between_its_records(tmp_path):
    evidence = gathered(tmp_path, commit="0abc123", torch="2.9.0")
    sentence = "Its records come from 2 commits (0abc123, 1a2b3c4) and 2 versions of torch (2.9.0, 2.14.0)."
    assert origin(judged(evidence, "relu-better")) == origin(judged(evidence, "activations:a-a")) == sentence
    assert origin(judged(evidence, "relu-step")) == ""
    blocks = build_document(evidence)
    cards = [line for block in blocks if isinstance(block, Verdicts) for line in block.lines]
    assert sum(("Origin", sentence) in card.details for card in cards) == 2  # the two claims that rest on trials
    assert Note("Mixed records", sentence.replace("Its", "The")) in blocks
    claims = {claim["id"]: claim for claim in json.loads(json.dumps(export_verdicts(evidence)))["claims"]}
    assert claims["relu-gap"]["origin"] == sentence
    assert claims["relu-gap"]["origins"] == {"commit": ["0abc123", "1a2b3c4"], "torch": ["2.9.0", "2.14.0"]}
    assert (claims["relu-step"]["origin"], claims["relu-step"]["origins"]) == ("", {})


def test_the_report_distinguishes_trials_by_their_number_of_processes(tmp_path):
    evidence = gathered(tmp_path, processes=2)
    sentence = "Its records come from 2 numbers of processes a trial (1, 2)."
    assert origin(judged(evidence, "relu-better")) == sentence


def test_records_of_one_origin_get_no_remark(tmp_path):
    evidence = gathered(tmp_path)
    assert {origin(judgement) for judgement in evidence.judgements} == {""}
    assert not any(isinstance(block, Note) and block.title == "Mixed records" for block in build_document(evidence))


@pytest.mark.parametrize(
    "commit, sentence", [("1a2b3c4", "1a2b3c4"), ("", "1a2b3c4, none in 10 records: the code was no")]
)
def test_the_report_says_how_many_records_have_no_commit(tmp_path, commit, sentence):
    assert overview.describe_run(gathered(tmp_path, commit=commit))["Commit"].startswith(sentence)


def test_a_record_without_an_environment_differs_from_no_other():
    environments = [{}, {"commit": ""}, {"commit": "a", "torch": None}, {"commit": "a", "torch": "2.14.0"}]
    assert provenance.differing_fields(environments) == {}


@pytest.mark.parametrize("fields", [{"device_name": "another"}, {"device": "cuda", "device_name": "a GPU"}])
def test_accuracies_of_several_devices_are_judged_with_a_remark(tmp_path, fields):
    judgement = judged(gathered(tmp_path, **fields), "relu-gap")
    assert judgement.verdict != "not run"
    assert "2 devices" in origin(judgement)


def observed(*metrics):
    """Make six pairs in which the arm's value is about twice the base's."""
    rows = [
        Observation("study", arm, pair, metric, value, identity=f"{metric} {pair}")
        for metric in dict.fromkeys(metrics)
        for pair in range(6)
        for arm, value in (("arm", 2.0 + pair / 100), ("base", 1.0))
    ]
    return pd.DataFrame(rows, columns=list(Observation._fields))


def on(environments, *parts):
    """Judge a claim with these parts; each pair's records come from the next environment."""
    table = observed(*(part.metric for part in parts))
    environment_of = {
        name: environments[number % len(environments)] for number, name in enumerate(table["identity"].unique())
    }
    return judge([("study", Claim("claim", "A sentence", parts))], table, environment_of)[0]


def ratio(metric):
    return Contrast(metric, "arm", "base", 1.1, ratio=True)


@pytest.mark.parametrize("metric", ["time/step_ms", "time/kernel_ms/16", "speed/images_per_second"])
@pytest.mark.parametrize("several", [[CPU, OTHER], [GPU, CPU, GPU | {"device_name": "another GPU"}]])
def test_speeds_of_several_devices_of_a_kind_are_refused(metric, several):
    assert on(several[:1], ratio(metric)).verdict == "supported"
    judgement = on(several, ratio(metric))
    assert judgement.verdict == "not run"
    assert explain_judgement(judgement).startswith("its records mix devices (")
    assert judgement.main.estimate is judgement.main.p_value is judgement.main.p_holm is None
    assert judgement.main.trials == tuple(f"{metric} {pair}" for pair in range(6))


def test_a_record_without_a_kind_of_device_does_not_count_as_another_kind():
    environments_without_commit = [{"device_name": "a processor"}, {"device_name": "another"}]
    assert on([GPU, *environments_without_commit], ratio("time/step_ms")).verdict == "not run"


def test_a_speed_of_one_device_is_judged_whatever_else_differs():
    judgement = on([CPU | {"commit": "a"}, CPU | {"commit": "b"}], ratio("time/step_ms"))
    assert (judgement.verdict, origin(judgement)) == ("supported", "Its records come from 2 commits (a, b).")


def test_a_claim_that_compares_kinds_of_device_is_judged():
    judgement = on([CPU, GPU], ratio("time/step_ms"))
    sentence = "Its records come from 2 kinds of device (cpu, cuda) and 2 devices (a GPU, a processor)."
    assert (judgement.verdict, origin(judgement)) == ("supported", sentence)


def test_a_claim_that_rests_on_speed_and_more_is_refused_as_a_whole():
    refuted = Contrast("test/accuracy", "base", "arm", 1.0)
    counted = Exact("time/step_ms", "arm", 0, 1)
    assert on([CPU], ratio("time/step_ms"), refuted).verdict == "refuted"
    assert on([CPU, OTHER], ratio("time/step_ms"), refuted).verdict == "not run"
    assert on([CPU, OTHER], counted).verdict == "not run"


def test_what_is_refused_makes_no_other_claim_harder():
    metrics = ("speed/images_per_second", "batch/loss")
    claims = [("study", Claim(metric, "A sentence", (ratio(metric),))) for metric in metrics]
    mixed = {f"speed/images_per_second {pair}": (CPU, OTHER)[pair % 2] for pair in range(6)}
    (_, alone_judgement), (_, joint_judgement) = (
        judge(claims, observed(*metrics), environments) for environments in (mixed, {})
    )
    assert alone_judgement.main.p_holm == alone_judgement.main.p_value
    assert joint_judgement.main.p_holm == 2 * joint_judgement.main.p_value


def test_a_run_on_a_gpu_says_what_is_not_deterministic_there_and_one_on_a_cpu_does_not(tmp_path):
    def bit_identity(evidence):
        facts = next(
            block for block in build_document(evidence) if isinstance(block, Facts) and not block.verdicts
        ).facts
        return dict(facts).get("Bit-identity", "")

    assert bit_identity(gathered(tmp_path)) == ""
    text = bit_identity(gathered(tmp_path, **GPU))
    assert all(word in text for word in ("on a CPU only", "atomics", "adaptive pooling"))
