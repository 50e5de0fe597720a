"""Extra seeds of undecided claims: requests of a sequential run, and its judgements."""

import fabricate
import pytest

from ablations import Claim, Contrast, Requires, Study, Switch
from ablations.framework.expand import expand_study
from ablations.framework.seeds import INTERIM_ANALYSES
from bench.records import store
from bench.spec.jobs import Probe, Trial
from reports.evidence import gather
from reports.report import export_verdicts
from reports.statistics.extra_seeds import request_extra_seeds
from reports.text.reasons import explain_judgement

ARMS = {"base": {}, "same": {"dropout": 0.4}, "other": {"activation": "tanh"}}
HALFWAY, FAR = 1.2, 40.0  # margins in points: near the difference of the first two arms, undecided; and far beyond
SAME = Contrast("test/accuracy", "same", "base", HALFWAY, "equal")
OTHER = Contrast("test/accuracy", "other", "base", FAR, "equal")


def study(*parts, **fields):
    claims = tuple(Claim(f"claim {n}", "A sentence", claimed) for n, claimed in enumerate(parts))
    return Study("A question?", claims, arms=ARMS, name="study", **fields)


def requests(seeds):
    """Extra seeds for both arms of the part SAME."""
    return {"study": {"same": seeds, "base": seeds}}


def evidence(out, study, requested=None, lost_trials=(), **fields):
    """Gather a run in which every requested job is done, but for the lost trials, (arm, seed).

    The first look comes at 3 pairs; the fixed number is 5.
    """
    setting = fabricate.setting(5)._replace(**{"seeds": None, "extra_seeds": requested or {}, **fields})
    fabricate.write(out, [study], setting)
    for place in expand_study(study, setting):
        if (place.arm, place.seed) in lost_trials:
            store.path(out, place.job).unlink()
    return gather(out, [study], setting)


def extra_seeds(evidence):
    return request_extra_seeds(evidence.studies, evidence.setting, evidence.judgements)


def verdicts(gathered):
    return {
        judgement.claim.id: (judgement.verdict, judgement.main.interim_analysis) for judgement in gathered.judgements
    }


def test_only_arms_of_undecided_claims_get_seeds_all_the_same_number(tmp_path):
    gathered = evidence(tmp_path, study((SAME,), (OTHER,)))
    assert verdicts(gathered)["claim 0"] == ("underpowered", 1) and verdicts(gathered)["claim 1"] == ("supported", 1)
    assert extra_seeds(gathered) == requests(5)


def test_arms_of_decided_parts_get_seeds_while_their_claim_is_undecided(tmp_path):
    assert set(extra_seeds(evidence(tmp_path, study((SAME, OTHER))))["study"].values()) == {5}
    assert len(extra_seeds(evidence(tmp_path, study((SAME, OTHER))))["study"]) == 3


@pytest.mark.parametrize("seeds, expected", [(3, 5), (4, 5), (5, 8), (7, 8), (8, 12), (11, 12)])
def test_the_next_interim_analysis_follows_the_last_one_reached(tmp_path, seeds, expected):
    assert set(extra_seeds(evidence(tmp_path, study((SAME,)), requests(seeds)))["study"].values()) == {expected}


def test_rounds_end_at_the_last_interim_analysis(tmp_path):
    requested, rounds = {}, []
    while (next_request := extra_seeds(evidence(tmp_path, study((SAME,)), requested))) != requested:
        requested = next_request
        rounds.append(max(requested["study"].values()))
    assert rounds == list(INTERIM_ANALYSES[1:])


def test_lost_seeds_are_replaced(tmp_path):
    gathered = evidence(tmp_path, study((SAME,)), lost_trials=[("same", 1)])
    assert extra_seeds(gathered)["study"]["same"] == 3 + 1
    assert explain_judgement(gathered.judgements[0]) == "2 pairs so far, and the first look comes at 3; 1 pair missing"


def test_an_arm_that_loses_most_of_its_seeds_gets_no_more(tmp_path):
    lost_trials = [("same", seed) for seed in (0, 1)]
    assert extra_seeds(evidence(tmp_path, study((SAME,)), lost_trials=lost_trials)) == {}


def test_seeds_that_another_use_of_the_arms_needs_are_no_extra_ones(tmp_path):
    """A robustness check has the same arms and five seeds: a claim decided at three pairs stays decided by them."""
    beyond = {"elsewhere": Contrast("test/accuracy", "same", "base", FAR, "equal")}
    claim = Claim("claim", "A sentence", (SAME,), beyond=beyond)
    gathered = evidence(tmp_path, Study("A question?", (claim,), arms=ARMS, name="study"))
    outcome = gathered.judgements[0].main
    assert (outcome.pairs, outcome.interim_analysis, outcome.missing) == (3, 1, 0)
    assert extra_seeds(gathered) == requests(5)


def test_a_factorial_study_and_a_fixed_number_of_seeds_stay_as_they_are(tmp_path):
    factorial = study((SAME,), switches={"dropout": Switch({"dropout": 0.5}, {"dropout": 0.0})})
    assert extra_seeds(evidence(tmp_path / "a", factorial)) == {}
    gathered = evidence(tmp_path / "b", study((SAME,)), seeds=5)
    assert extra_seeds(gathered) == {} and verdicts(gathered)["claim 0"] == ("inconclusive", None)


def test_more_seeds_in_some_arms_leave_the_other_claims_and_the_controls_alone(tmp_path):
    gathered = evidence(tmp_path, study((SAME,), (OTHER,)), requests(8))
    same, other, a_a, shuffled = (judgement.main for judgement in gathered.judgements)
    assert [same.pairs, other.pairs, a_a.pairs, shuffled.pairs] == [8, 3, 5, 5]
    outcomes = (same, other, a_a, shuffled)
    assert [outcome.interim_analysis for outcome in outcomes] == [3, 1, None, None]
    assert [outcome.missing for outcome in outcomes] == [0, 0, 0, 0]


def test_pairs_between_interim_analyses_wait(tmp_path):
    gathered = evidence(tmp_path, study((SAME,)), requests(7))
    assert (gathered.judgements[0].main.pairs, gathered.judgements[0].main.waiting) == (5, 2)
    assert explain_judgement(gathered.judgements[0]).endswith("; sequential, look 2 of 4, which leaves 2 pairs aside")


def test_the_report_names_the_interim_analysis_that_decided(tmp_path):
    report = export_verdicts(evidence(tmp_path, study((SAME,)), requests(8)))
    assert report["claims"][0]["look"] == 3 and report["controls"][0]["look"] is None
    assert report["claims"][0]["reason"].endswith("sequential, look 3 of 4")
    assert "looks at 3, 5, 8 and 12 pairs share one error rate" in report["run"]["Seeds"]


def test_probes_use_no_extra_seeds(tmp_path):
    requested = {"activations": {"relu": 10}}
    setting = fabricate.setting(3)._replace(seeds=None, extra_seeds=requested)
    placed = expand_study(fabricate.activations(), setting)
    assert [len(place.job.trials) for place in placed if isinstance(place.job, Probe)] == [3]
    assert sum(isinstance(place.job, Trial) and place.arm == "relu" for place in placed) == 10


def test_timings_keep_all_their_rounds(tmp_path):
    gathered = evidence(tmp_path, fabricate.activations())
    timed = next(j for j in gathered.judgements if j.claim.id == "relu-step").main
    assert (timed.interim_analysis, timed.pairs) == (None, 5)


def test_a_combination_gets_seeds_for_all_of_its_arms(tmp_path):
    part = Contrast("test/accuracy", "mean", "base", 2.3, "equal")
    mixed = study((part,), combinations={"mean": {"same": 0.5, "other": 0.5}})
    assert set(extra_seeds(evidence(tmp_path, mixed))["study"]) == set(ARMS)


def test_only_stated_parts_and_preconditions_of_claims_get_seeds(tmp_path):
    """The literature's claims and robustness checks have a fixed number; the arm of a precondition gets its seeds."""
    literature = Claim("l", "A sentence", (SAME,), kind="literature")
    beyond = {"elsewhere": Contrast("test/accuracy", "other", "base", HALFWAY, "equal")}
    decided = Claim("d", "A sentence", (OTHER,), beyond=beyond)
    alone = Study("A question?", (literature, decided), arms=ARMS, name="study")
    assert extra_seeds(evidence(tmp_path / "a", alone)) == {}
    requires = (Requires("train/accuracy", "other", 90),)
    claim = Claim("c", "A sentence", (SAME,), requires=requires)
    with_precondition = Study("A question?", (claim,), arms=ARMS, name="study")
    assert extra_seeds(evidence(tmp_path / "b", with_precondition)) == {"study": dict.fromkeys(ARMS, 5)}


def test_a_claim_that_cannot_be_tested_here_gets_no_seeds(tmp_path):
    claim = Claim("c", "A sentence", (SAME,), requires=(Requires("train/accuracy", "base", 99.9),))
    gathered = evidence(tmp_path, Study("A question?", (claim,), arms=ARMS, name="study"))
    assert verdicts(gathered)["c"][0] == "not testable here" and extra_seeds(gathered) == {}
