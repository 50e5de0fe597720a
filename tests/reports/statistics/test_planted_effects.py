"""Verdicts on records made by hand, whose true differences are known."""

import fabricate
import numpy as np
import pandas as pd
import pytest

from ablations import Claim, Contrast, Requires, Study
from ablations.framework.expand import expand_study
from bench.records import store
from bench.spec.jobs import Trial
from reports.evidence import gather
from reports.statistics.claim_verdicts import judge
from reports.tables.observations import Observation

ACCURACY, TRAINING, STEPS = "test/accuracy", "train/accuracy", "speed/steps_to_train_error_25"
SEEDS, CHANCE = 10, 10  # percent
DIVERGED = None
DROPOUT = {"plain": 0.0, "arm": 0.1, "arm, its own rate": 0.1, "b": 0.2, "b, plain": 0.3, "c": 0.4, "c, plain": 0.5}


def noise(seed, deviation=0.5, size=SEEDS):
    """Normal draws in points, whose mean is exactly zero."""
    drawn = np.random.default_rng(seed).normal(size=size)
    return deviation * (drawn - drawn.mean()) / drawn.std(ddof=1)


def study(*claims, arms=DROPOUT):
    return Study("?", claims, arms={arm: {"dropout": p} for arm, p in arms.items()}, name="study")


def judge_records(out, study, accuracies, seeds=SEEDS, training=99.0):
    """Write a record for each trial, with these test accuracies in percent by arm, and judge them.

    Arms that are not named have none; `DIVERGED` in place of an accuracy is a trial that diverged.
    """
    setting = fabricate.setting()._replace(seeds=seeds)
    for place in expand_study(study, setting):
        if isinstance(place.job, Trial) and place.arm in accuracies:
            accuracy = accuracies[place.arm][place.seed]
            record = fabricate.record(study, place, diverged=accuracy is DIVERGED)
            metrics = {} if accuracy is DIVERGED else {ACCURACY: accuracy / 100, TRAINING: training / 100, STEPS: 100.0}
            epoch = 1 if accuracy is DIVERGED else place.job.recipe.epochs
            record["points"] = [{"step": 30 * epoch, "epoch": epoch, "time": 0.0, "metrics": metrics}]
            store.write(out, record)
    return {judgement.claim.id: judgement for judgement in gather(out, [study], setting).judgements}


def better(direction="higher", margin=1.0, **fields):
    return Claim("claim", "A sentence", (Contrast(ACCURACY, "arm", "plain", margin, direction),), **fields)


def planted(out, difference, claim, deviation=0.5, **fields):
    """Judge the arm against a plain baseline from which it differs by this number of points on average."""
    plain = 50 + noise(0)
    accuracies = {"plain": plain, "arm": plain + difference + noise(1, deviation)}
    return judge_records(out, study(claim), accuracies, **fields)["claim"]


@pytest.mark.parametrize(
    "difference, verdict, reason",
    [
        (0.0, "negligible", "negligible_none_shown"),
        (0.6, "negligible", "negligible_though_shown"),
        (0.9, "inconclusive", "below_margin"),
        (1.01, "supported", "margin_reached"),
        (2.0, "supported", "margin_reached"),
        (-2.0, "refuted", "margin_reached_against_claim"),
    ],
)
def test_planted_differences_with_a_margin_of_one_point(tmp_path, difference, verdict, reason):
    judgement = planted(tmp_path, difference, better())
    assert (judgement.verdict, judgement.main.reason) == (verdict, reason)
    assert judgement.main.estimate == pytest.approx(difference)


@pytest.mark.parametrize("training, verdict, is_met", [(64.0, "not testable here", False), (95.0, "supported", True)])
def test_a_precondition_that_is_not_met_comes_before_the_verdict(tmp_path, training, verdict, is_met):
    claim = better(requires=(Requires(TRAINING, "plain", 95, advice="more epochs"),))
    judgement = planted(tmp_path, 2.0, claim, training=training)
    (requirement,) = judgement.requirements
    assert (judgement.verdict, requirement.is_met) == (verdict, is_met)
    assert requirement.value == pytest.approx(training)


def test_a_precondition_that_was_not_measured_leaves_the_claim_not_run(tmp_path):
    claim = better(requires=(Requires(TRAINING, "plain", 95),))
    judgement = judge_records(tmp_path, study(claim), {})["claim"]
    assert (judgement.verdict, judgement.requirements[0].value, judgement.requirements[0].is_met) == (
        "not run",
        None,
        None,
    )


def test_a_precondition_is_measured_on_the_judged_trials(tmp_path):
    """The baseline has ten seeds, the arm four: the other six do not count."""
    claim = better(requires=(Requires(ACCURACY, "plain", 52),))
    accuracies = {"plain": [50.0, 50.1, 50.2, 50.1] + [90.0] * 6, "arm": [53.0, 53.2, 53.1, 53.3] + [DIVERGED] * 6}
    assert judge_records(tmp_path, study(claim), accuracies)["claim"].requirements[0].value == pytest.approx(74.04)
    judgement = judge_records(
        tmp_path / "four", study(claim), {"plain": accuracies["plain"][:4], "arm": accuracies["arm"]}, seeds=4
    )
    assert judgement["claim"].verdict == "not testable here"


def test_three_of_ten_trials_that_diverged_count_at_chance(tmp_path):
    plain = 50 + noise(0)
    arm = [DIVERGED if seed in (1, 4, 7) else value + 3 for seed, value in enumerate(plain)]
    outcome = judge_records(tmp_path, study(better()), {"plain": plain, "arm": arm})["claim"].main
    assert (outcome.pairs, outcome.diverged, outcome.missing) == (SEEDS, 3, 0)
    expected = [CHANCE - value if arm[seed] is DIVERGED else 3 for seed, value in enumerate(plain)]
    assert outcome.differences == pytest.approx(expected)
    assert outcome.verdict == "underpowered"


def test_an_arm_that_always_diverged_is_refuted_and_two_such_arms_do_not_differ(tmp_path):
    accuracies = {"plain": 50 + noise(0), "arm": [DIVERGED] * SEEDS}
    outcome = judge_records(tmp_path / "one", study(better()), accuracies)["claim"].main
    assert (outcome.verdict, outcome.pairs, outcome.diverged) == ("refuted", SEEDS, SEEDS)
    assert outcome.estimate == pytest.approx(CHANCE - 50)
    accuracies["plain"] = [DIVERGED] * SEEDS
    outcome = judge_records(tmp_path / "both", study(better()), accuracies)["claim"].main
    assert (outcome.verdict, outcome.reason) == ("negligible", "no_differences")


def test_steps_of_a_diverged_trial_are_censored_at_its_budget(tmp_path):
    """Diverged after 1 of 20 epochs of 30 steps: at least 600 steps, against 100."""
    claim = Claim("claim", "A sentence", (Contrast(STEPS, "arm", "plain", 1.5, ratio=True),))
    accuracies = {"plain": 50 + noise(0), "arm": [DIVERGED] * SEEDS}
    outcome = judge_records(tmp_path, study(claim), accuracies)["claim"].main
    epochs = next(place.job.recipe.epochs for place in expand_study(study(claim), fabricate.setting()))
    assert outcome.differences == pytest.approx([30 * epochs / 100] * SEEDS)
    assert (outcome.verdict, outcome.censored) == ("supported", SEEDS)


@pytest.mark.parametrize(
    "difference, direction, seeds, verdict, reason",
    [
        (2.0, "higher", 2, "underpowered", "two_pairs_equal"),
        (2.0, "higher", 3, "supported", "all_pairs_agree"),
        (-2.0, "higher", 3, "refuted", "all_pairs_disagree_with_claim"),
        (2.0, "higher", 10, "supported", "margin_reached"),
        (2.0, "equal", 3, "refuted", "all_pairs_beyond_margin"),
        (0.5, "higher", 3, "negligible", "all_pairs_within_margin"),
        (0.5, "equal", 3, "supported", "all_pairs_within_margin"),
        (0.0, "higher", 3, "negligible", "no_differences"),
        (0.0, "equal", 3, "supported", "no_differences"),
    ],
)
def test_differences_without_spread(tmp_path, difference, direction, seeds, verdict, reason):
    accuracies = {"plain": [50.0] * seeds, "arm": [50.0 + difference] * seeds}
    judgement = judge_records(tmp_path, study(better(direction)), accuracies, seeds)["claim"]
    assert (judgement.verdict, judgement.main.reason) == (verdict, reason)
    assert judgement.main.p_value == (2 / 2**seeds if difference else 1)


def test_an_own_rate_equal_to_the_shared_one_is_not_tested_twice(tmp_path):
    """Its trials are the stated part's: the check takes over the outcome, and makes the other check no harder."""
    own = Contrast(ACCURACY, "arm, its own rate", "plain", 1.0)
    other = Contrast(ACCURACY, "b", "plain", 1.0)
    plain = 50 + noise(0)
    accuracies = {"plain": plain, "arm": plain + 2 + noise(1), "b": plain + 2 + noise(2)}
    accuracies["arm, its own rate"] = accuracies["arm"]
    claim = better(beyond={"own rate": own, "other": other})
    judgement = judge_records(tmp_path, study(claim), accuracies)["claim"]
    same, tested = judgement.checks
    assert (same.is_same_trials, same.differs, same.interaction) == (True, False, None)
    assert (same.outcome.part, same.outcome.verdict, same.outcome.p_holm) == (own, "supported", judgement.main.p_holm)
    assert not tested.is_same_trials and tested.outcome.p_holm == tested.outcome.p_value


def test_a_check_differs_only_where_the_two_settings_differences_do(tmp_path):
    """The effect is 2 points as stated and in one setting, and -2 points in another."""
    beyond = {"b": Contrast(ACCURACY, "b", "b, plain", 1.0), "c": Contrast(ACCURACY, "c", "c, plain", 1.0)}
    plain = {name: 50 + noise(seed) for seed, name in enumerate(("plain", "b, plain", "c, plain"))}
    effects = {"arm": ("plain", 2), "b": ("b, plain", 2), "c": ("c, plain", -2)}
    arms = {arm: plain[base] + effect + noise(10 + seed) for seed, (arm, (base, effect)) in enumerate(effects.items())}
    judgement = judge_records(tmp_path, study(better(beyond=beyond)), plain | arms)["claim"]
    assert judgement.verdict == "supported"
    assert [check.outcome.verdict for check in judgement.checks] == ["supported", "refuted"]
    assert [check.differs for check in judgement.checks] == [False, True]
    mean, (low, high), p_holm = judgement.checks[1].interaction
    assert mean == pytest.approx(-4) and low < -4 < high and p_holm <= 0.05


def test_checks_whose_verdicts_differ_by_chance_are_not_shown_to_differ(tmp_path):
    """One effect of 1 point: it is supported as stated, underpowered where the spread is large."""
    beyond = {"b": Contrast(ACCURACY, "b", "plain", 1.0)}
    plain = 50 + noise(0)
    accuracies = {"plain": plain, "arm": plain + 1.1 + noise(1), "b": plain + 0.4 + noise(2, 2.0)}
    judgement = judge_records(tmp_path, study(better(beyond=beyond)), accuracies)["claim"]
    (check,) = judgement.checks
    assert (judgement.verdict, check.outcome.verdict, check.differs) == ("supported", "underpowered", False)


def test_four_settings_of_one_true_effect_are_rarely_shown_to_differ():
    """Of 100 reports of three checks each, at most 5 % and two standard errors call any check different."""
    part = Contrast(ACCURACY, "0", "base 0", 1.0)
    beyond = {name: Contrast(ACCURACY, name, f"base {name}", 1.0) for name in "123"}
    random, differing = np.random.default_rng(1), 0
    for _ in range(100):
        values = {name: random.normal(0.53, 0.01, 5) for name in "0123"}
        values |= {f"base {name}": random.normal(0.50, 0.01, 5) for name in "0123"}
        rows = [
            Observation("study", arm, pair, ACCURACY, value, identity=f"{arm} {pair}", trained=True)
            for arm, sample in values.items()
            for pair, value in enumerate(sample)
        ]
        (judgement,) = judge([("study", Claim("claim", "A sentence", (part,), beyond=beyond))], pd.DataFrame(rows))
        differing += any(check.differs for check in judgement.checks)
    assert differing / 100 <= 0.05 + 2 * (0.05 * 0.95 / 100) ** 0.5
