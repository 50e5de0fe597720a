from collections import Counter
from inspect import signature

import pytest
from pydantic import ValidationError

from ablations import Setting, Study, Tuning
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.study import STEPS
from ablations.framework.tuning import MAX_GRID_LEVELS, TUNING_SEEDS, tune
from bench.records.validation import adapter
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial, identity

SETTING = Setting(PROFILES["smoke"], DataConfig("digest", 10, train=1000))
ARMS = {"relu": {}, "tanh": {"activation": "tanh"}}
GRID = (0.001, 0.002, 0.004)


def study(**options):
    return Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, tuple(ARMS), **options), name="mine")


def one_arm(**options):
    return Study("?", (), arms={"relu": {}}, tuning=Tuning("learning_rate", GRID, ("relu",), **options), name="mine")


QUICK = SETTING._replace(profile=PROFILES["quick"])
FULL = QUICK.profile.epochs("alexnet-32", QUICK.data)
SHORT = round(FULL / 3)


def records(score, diverged=()):
    """Return a function that finds records with validation accuracy score(activation, learning rate, seed, epochs)."""

    def find_record(trial):
        rate, activation = trial.recipe.learning_rate, trial.model.activation
        status = "diverged" if (activation, rate) in diverged else "finished"
        arguments = (activation, rate, trial.seed, trial.recipe.epochs)[: len(signature(score).parameters)]
        points = [{"metrics": {"validation/accuracy": score(*arguments)}}]
        return {"status": status, "points": points}

    return find_record


def peak(relu, tanh):
    return lambda activation, rate, seed: 1 - abs(rate - {"relu": relu, "tanh": tanh}[activation])


def test_no_level_is_chosen_before_every_trial_of_its_arm_is_done():
    result = tune(study(), SETTING, lambda job: None)
    assert result.tuned_levels == {} and result.scores == {"relu": {}, "tanh": {}}
    assert len(result.trials) == len(TUNING_SEEDS) * len(GRID) * 2
    assert {place.job.seed for place in result.trials} == set(TUNING_SEEDS)
    only_relu = records(peak(0.002, 0.002))
    result = tune(study(), SETTING, lambda trial: only_relu(trial) if trial.model.activation == "relu" else None)
    assert result.tuned_levels == {"relu": 0.002}


def epoch_counts(placed):
    return Counter((place.job.recipe.learning_rate, place.job.recipe.epochs) for place in placed)


def test_the_whole_grid_gets_a_third_of_the_epochs_and_the_best_two_levels_all_of_them():
    """Validation accuracy falls with the distance from 0.002, so 0.001 comes second."""
    short = {(level, SHORT): len(TUNING_SEEDS) for level in GRID}
    result = tune(one_arm(), QUICK, lambda job: None)
    assert epoch_counts(result.trials) == short
    assert epoch_counts(result.later_trials) == {(level, FULL): len(TUNING_SEEDS) for level in GRID[:2]}
    result = tune(one_arm(), QUICK, records(peak(0.002, 0.002)))
    assert epoch_counts(result.trials) == short | {(level, FULL): len(TUNING_SEEDS) for level in (0.001, 0.002)}
    assert result.later_trials == []
    assert (result.short_scores["relu"].keys(), result.scores["relu"].keys()) == (set(GRID), {0.001, 0.002})


def test_all_epochs_decide_between_the_best_two_levels():
    def score(activation, rate, seed, epochs):
        return {0.001: 0.5, 0.002: 0.6, 0.004: 0.1}[rate] if epochs == SHORT else {0.001: 0.8, 0.002: 0.7}[rate]

    result = tune(one_arm(ratio=0), QUICK, records(score))
    assert result.short_scores["relu"] == {0.001: 0.5, 0.002: 0.6, 0.004: 0.1}
    assert result.scores["relu"] == {0.001: 0.8, 0.002: 0.7}
    assert result.tuned_levels == {"relu": 0.001}


def test_a_level_that_wins_at_an_edge_with_all_epochs_extends_the_grid():
    """A third of the epochs prefers 0.002, all of them the lowest rate tried: 0.001, then 0.0005, then no further."""
    best_level = {SHORT: 0.002, FULL: 0.0005}
    result = tune(
        one_arm(),
        QUICK,
        records(lambda activation, rate, seed, epochs: 1 - abs(rate - best_level[epochs])),
    )
    assert result.scores["relu"].keys() == {0.001, 0.002, 0.0005, 0.00025}
    assert result.tuned_levels == {"relu": 0.0005}


@pytest.mark.parametrize(
    "lower, chosen",
    [((0.60, 0.56), 0.001), ((0.59, 0.57), 0.002)],
    ids=["within two standard errors", "beyond them"],
)
def test_the_lowest_level_within_two_standard_errors_of_the_best_wins(lower, chosen):
    """The best, 0.61 twice, has no deviation; the other's variance is 0.0008 or 0.0002: two errors are 0.04 or 0.02."""
    scores = {0.001: lower, 0.002: (0.61, 0.61), 0.004: (0.1, 0.1)}
    result = tune(one_arm(), QUICK, records(lambda activation, rate, seed: scores[rate][seed - TUNING_SEEDS[0]]))
    assert result.tuned_levels == {"relu": chosen}


def speed_records(steps, accuracy=0.6):
    """Return a function that finds records with `steps` by rate and seed; None has this training accuracy instead."""

    def find_record(trial):
        value = steps(trial.recipe.learning_rate, trial.seed)
        metrics = {"train/accuracy": accuracy if value is None else 0.76} | ({STEPS: value} if value else {})
        return {"status": "finished", "points": [{"metrics": metrics}]}

    return find_record


def test_a_speed_is_chosen_by_the_steps_of_one_seed_in_a_ninth_of_the_epochs():
    steps = {0.0005: 900, 0.001: 500, 0.002: 300, 0.004: 400}
    result = tune(one_arm(metric=STEPS), QUICK, speed_records(lambda rate, seed: steps[rate] + seed - 500))
    assert epoch_counts(result.trials) == {(level, round(FULL / 9)): 1 for level in GRID}
    assert result.short_scores["relu"] == {0.001: 500, 0.002: 300, 0.004: 400}
    assert result.tuned_levels == {"relu": 0.002} and result.scores == {"relu": {}}


def test_the_grid_of_a_speed_is_extended_until_its_fastest_level_is_no_edge():
    result = tune(one_arm(metric=STEPS), QUICK, speed_records(lambda rate, seed: round(abs(rate - 0.016) * 1e5) + 10))
    assert max(result.short_scores["relu"]) == 0.032 and result.tuned_levels == {"relu": 0.016}


def test_levels_that_do_not_arrive_rank_after_all_that_do_and_the_best_two_get_all_epochs():
    late = tune(one_arm(metric=STEPS), QUICK, speed_records(lambda rate, seed: 900 if rate == 0.002 else None))
    assert late.tuned_levels == {"relu": 0.002}
    assert late.short_scores["relu"] == {0.001: float("inf"), 0.002: 900, 0.004: float("inf")}


def test_a_speed_that_no_level_reaches_is_searched_for_with_more_epochs():
    """The budget is 24 epochs. Nothing arrives within 3; 0.004 does within 8, so that no level gets all 24."""

    def find_record(trial):
        arrives = trial.recipe.learning_rate == 0.004 and trial.recipe.epochs >= SHORT
        metrics = {"train/accuracy": 0.8, STEPS: 600} if arrives else {"train/accuracy": 0.1}
        return {"status": "finished", "points": [{"metrics": metrics}]}

    result = tune(one_arm(metric=STEPS, ratio=0), QUICK, find_record)
    assert epoch_counts(result.trials) == {(level, epochs): 1 for level in GRID for epochs in (3, 8)}
    assert result.tuned_levels == {"relu": 0.004}
    assert result.short_scores["relu"] == {0.001: float("inf"), 0.002: float("inf"), 0.004: 600}
    never = tune(one_arm(metric=STEPS), QUICK, speed_records(lambda rate, seed: None))
    assert epoch_counts(never.trials)[0.002, FULL] == 1 and len(never.scores["relu"]) == 2


def test_a_grid_ends_where_a_level_would_be_invalid():
    dropped = Study("?", (), arms={"p": {}}, tuning=Tuning("dropout", (0.2, 0.4, 0.8), ("p",)), name="mine")

    def find_record(trial):
        return {"status": "finished", "points": [{"metrics": {"validation/accuracy": trial.model.dropout}}]}

    assert tune(dropped, QUICK, find_record).tuned_levels == {"p": 0.8}


def test_of_a_factor_that_is_no_rate_every_level_gets_all_epochs_and_the_best_mean_wins():
    """A third of the epochs would prefer 0.2; of all epochs 0.4 is within two standard errors, but 0.6 is best."""
    tuning = Tuning("dropout", (0.2, 0.4, 0.6, 0.8), ("p",))
    dropped = Study("?", (), arms={"p": {}}, tuning=tuning, name="mine")
    scores = {0.2: (0.5, 0.5), 0.4: (0.60, 0.56), 0.6: (0.6, 0.6), 0.8: (0.1, 0.1)}

    def find_record(trial):
        is_short = trial.recipe.epochs < FULL
        accuracy = 0.9 - trial.model.dropout if is_short else scores[trial.model.dropout][trial.seed - TUNING_SEEDS[0]]
        return {"status": "finished", "points": [{"metrics": {"validation/accuracy": accuracy}}]}

    result = tune(dropped, QUICK, find_record)
    assert {place.job.recipe.epochs for place in result.trials} == {FULL}
    assert len(result.trials) == len(TUNING_SEEDS) * len(tuning.grid)
    assert result.short_scores == {"p": {}} and result.tuned_levels == {"p": 0.6}


def test_every_arm_gets_equally_many_trials_under_seeds_that_no_claim_uses():
    trials = tune(study(), SETTING, lambda job: None).trials
    for activation in ("relu", "tanh"):
        assert sum(place.job.model.activation == activation for place in trials) == len(TUNING_SEEDS) * len(GRID)
    judged = expand_study(study(), SETTING._replace(tuned_levels={"mine": dict.fromkeys(ARMS, 0.002)}))
    assert {place.job.seed for place in judged if isinstance(place.job, Trial)}.isdisjoint(TUNING_SEEDS)


def test_each_arm_gets_its_own_best_level():
    result = tune(study(), SETTING, records(peak(0.002, 0.002)))
    assert result.tuned_levels == dict.fromkeys(ARMS, 0.002)
    result = tune(study(ratio=0), SETTING, records(peak(0.001, 0.004)))
    assert result.tuned_levels == {"relu": 0.001, "tanh": 0.004}


def test_the_score_is_the_mean_over_the_seeds():
    scores = {500: {0.001: 0.52, 0.002: 0.6, 0.004: 0.1}, 501: {0.001: 0.48, 0.002: 0.6, 0.004: 0.2}}
    result = tune(study(), SETTING, records(lambda activation, rate, seed: scores[seed][rate]))
    assert result.short_scores["relu"] == {0.001: 0.5, 0.002: 0.6, 0.004: pytest.approx(0.15)}
    assert result.tuned_levels["relu"] == 0.002


def test_a_grid_whose_edge_is_best_for_one_arm_is_extended_for_this_arm():
    result = tune(study(), SETTING, records(peak(0.002, 0.008)))
    assert result.tuned_levels == {"relu": 0.002, "tanh": 0.008}
    assert result.short_scores["relu"].keys() == set(GRID)
    assert result.short_scores["tanh"].keys() == {*GRID, 0.008, 0.016}


def test_a_grid_is_extended_to_a_maximal_size_and_not_where_it_is_fixed():
    result = tune(study(), SETTING, records(lambda activation, rate, seed: rate))
    assert len(result.short_scores["relu"]) == MAX_GRID_LEVELS
    assert tune(study(ratio=0), SETTING, records(peak(0.001, 0.004))).short_scores["tanh"].keys() == set(GRID)


def test_an_arm_that_never_learns_takes_the_lowest_level_and_extends_no_grid():
    result = tune(study(), SETTING, records(lambda activation, rate, seed: 0.1))
    assert set(result.tuned_levels.values()) <= set(GRID[:2])
    assert result.short_scores["tanh"].keys() == set(GRID)


def test_a_diverged_level_is_never_chosen():
    result = tune(study(ratio=0), SETTING, records(peak(0.004, 0.004), diverged={("tanh", 0.004)}))
    assert result.tuned_levels == {"relu": 0.004, "tanh": 0.002}


def test_arms_without_a_tuned_level_have_no_jobs():
    assert [place.arm for place in expand_study(study(), SETTING)] == []
    placed = expand_study(study(), SETTING._replace(tuned_levels={"mine": {"relu": 0.003, "tanh": 0.005}}))
    rates = {place.arm: place.job.recipe.learning_rate for place in placed}
    assert rates == {"relu": 0.003, "tanh": 0.005}


def test_a_tuned_arm_whose_level_is_the_shared_one_is_the_same_trial():
    arms = {"relu": {"learning_rate": 0.003}, "own rate": {}}
    own_rate = Study("?", (), arms=arms, tuning=Tuning("learning_rate", GRID, ("own rate",)), name="mine")
    placed = expand_study(own_rate, SETTING._replace(tuned_levels={"mine": {"own rate": 0.003}}))
    first = {place.arm: identity(place.job) for place in placed if place.seed == 0}
    assert first["own rate"] == first["relu"]


@pytest.mark.parametrize("grid", [(0.1, 0.2), (0.3, 0.2, 0.1)])
def test_an_invalid_grid_is_refused(grid):
    with pytest.raises(ValidationError, match="a tuning's grid"):  # discovery turns it into one line
        adapter(Tuning).validate_python(Tuning("learning_rate", grid, ("relu",)))


def test_an_unknown_arm_is_refused():
    invalid = Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, ("rule",)), name="mine")
    with pytest.raises(InputError, match="arm 'rule' is unknown"):
        expand_study(invalid, SETTING)
