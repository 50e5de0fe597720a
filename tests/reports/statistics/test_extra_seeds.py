"""Further seeds where a claim is not decided: what a sequential run asks for, and how it is judged."""

import fabricate
import pytest

from ablations import Claim, Contrast, Study, Switch
from ablations.framework.expand import expand_study
from ablations.framework.seeds import INTERIM_ANALYSES
from bench.spec.jobs import Probe, Trial
from reports.evidence import gather
from reports.report import export_verdicts
from reports.statistics.extra_seeds import request_extra_seeds
from reports.text.reasons import explain_judgement

ARMS = {"base": {}, "same": {"dropout": 0.4}, "other": {"activation": "tanh"}}
HALFWAY, FAR = 1.2, 40.0  # margins in points: what the first two arms differ by, which decides nothing, and far more
SAME = Contrast("test/accuracy", "same", "base", HALFWAY, "equal")
OTHER = Contrast("test/accuracy", "other", "base", FAR, "equal")


def study(*parts, **fields):
    claims = tuple(Claim(f"claim {n}", "A sentence", own) for n, own in enumerate(parts))
    return Study("A question?", claims, arms=ARMS, name="study", **fields)


def evidence(out, study, asked=None, seeds=5, lost=()):
    """All that is asked for has been run."""
    setting = fabricate.setting(seeds)._replace(extra_seeds=asked)
    fabricate.write(out, [study], setting, lost)
    return gather(out, [study], setting)


def extra_seeds(evidence):
    return request_extra_seeds(evidence.studies, evidence.setting, evidence.judgements)


def verdicts(found):
    return {judgement.claim.id: (judgement.verdict, judgement.main.interim_analysis) for judgement in found.judgements}


def test_only_the_arms_of_undecided_claims_go_on_and_all_of_theirs_together(tmp_path):
    found = evidence(tmp_path, study((SAME,), (OTHER,)), {})
    assert verdicts(found)["claim 0"] == ("underpowered", 1) and verdicts(found)["claim 1"] == ("supported", 1)
    assert extra_seeds(found) == {("study", "same"): 10, ("study", "base"): 10}


def test_a_claim_joined_by_and_goes_on_with_the_arms_of_its_decided_parts_too(tmp_path):
    assert set(extra_seeds(evidence(tmp_path, study((SAME, OTHER)), {})).values()) == {10}
    assert len(extra_seeds(evidence(tmp_path, study((SAME, OTHER)), {}))) == 3


@pytest.mark.parametrize("seeds, wanted", [(3, 5), (5, 10), (7, 10), (10, 15), (14, 15)])
def test_the_next_look_follows_the_last_that_was_reached(tmp_path, seeds, wanted):
    assert set(extra_seeds(evidence(tmp_path, study((SAME,)), {}, seeds)).values()) == {wanted}


def test_rounds_end_at_the_last_look(tmp_path):
    asked, rounds = {}, []
    while (more := extra_seeds(evidence(tmp_path, study((SAME,)), asked))) != asked:
        asked = more
        rounds.append(max(asked.values()))
    assert rounds == list(INTERIM_ANALYSES[1:])


def test_seeds_that_were_lost_are_made_up_for(tmp_path):
    found = evidence(tmp_path, study((SAME,)), {}, lost=[("same", 1)])
    assert extra_seeds(found)["study", "same"] == 5 + 1
    assert explain_judgement(found.judgements[0]) == "4 pairs so far, and the first look comes at 5; 1 pair missing"


def test_an_arm_that_loses_more_than_it_brings_does_not_go_on(tmp_path):
    assert extra_seeds(evidence(tmp_path, study((SAME,)), {}, lost=[("same", seed) for seed in range(3)])) == {}


def test_a_factorial_study_and_a_fixed_number_of_seeds_stay_as_they_are(tmp_path):
    factorial = study((SAME,), switches={"dropout": Switch({"dropout": 0.5}, {"dropout": 0.0})})
    assert extra_seeds(evidence(tmp_path / "a", factorial, {})) == {}
    found = evidence(tmp_path / "b", study((SAME,)))
    assert extra_seeds(found) == {} and verdicts(found)["claim 0"] == ("inconclusive", None)


def test_more_seeds_in_some_arms_leave_the_other_claims_and_the_controls_alone(tmp_path):
    asked = {("study", "same"): 10, ("study", "base"): 10}
    found = evidence(tmp_path, study((SAME,), (OTHER,)), asked)
    same, other, again, shuffled = (judgement.main for judgement in found.judgements)
    assert [same.pairs, other.pairs, again.pairs, shuffled.pairs] == [10, 5, 5, 5]
    assert [same.interim_analysis, other.interim_analysis, again.interim_analysis, shuffled.interim_analysis] == [
        2,
        1,
        None,
        None,
    ]
    assert [one.missing for one in (same, other, again, shuffled)] == [0, 0, 0, 0]


def test_pairs_between_looks_are_there_and_wait(tmp_path):
    found = evidence(tmp_path, study((SAME,)), {}, seeds=7)
    assert (found.judgements[0].main.pairs, found.judgements[0].main.waiting) == (5, 2)
    assert explain_judgement(found.judgements[0]).endswith("; sequential, look 1 of 3, which leaves 2 pairs aside")


def test_the_report_says_which_look_decided(tmp_path):
    shown = export_verdicts(evidence(tmp_path, study((OTHER,)), {}, seeds=10))
    assert shown["claims"][0]["look"] == 2 and shown["controls"][0]["look"] is None
    assert shown["claims"][0]["reason"].endswith("sequential, look 2 of 3")
    assert "looks at 5, 10 and 15 pairs share one error rate" in shown["run"]["Seeds"]


def test_probes_ask_the_studys_own_seeds_and_no_further_ones(tmp_path):
    asked = {("activations", "relu"): 10}
    setting = fabricate.setting(3)._replace(extra_seeds=asked)
    placed = expand_study(fabricate.activations(), setting)
    assert [len(place.job.trials) for place in placed if isinstance(place.job, Probe)] == [3]
    assert sum(isinstance(place.job, Trial) and place.arm == "relu" for place in placed) == 10


def test_timings_keep_all_their_rounds(tmp_path):
    found = evidence(tmp_path, fabricate.activations(), {})
    timed = next(j for j in found.judgements if j.claim.id == "relu-step").main
    assert (timed.interim_analysis, timed.pairs) == (None, 5)


def test_a_combination_of_arms_goes_on_with_the_arms_it_is_made_of(tmp_path):
    part = Contrast("test/accuracy", "mean", "base", 2.3, "equal")
    mixed = study((part,), combinations={"mean": {"same": 0.5, "other": 0.5}})
    assert set(extra_seeds(evidence(tmp_path, mixed, {}))) == {("study", arm) for arm in ARMS}
