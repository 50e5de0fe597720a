import pytest

from ablations import AGAIN, Setting, Study, Tuning
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.study import SHUFFLED
from ablations.framework.tuning import MAX_GRID_LEVELS, TUNING_SEEDS, tune
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial, identity

SETTING = Setting(PROFILES["smoke"], DataConfig("digest", 10, train=1000))
TAKES = {"relu": "relu", "tanh": "relu", "tanh, own": "tanh"}
ARMS = {"relu": {}, "tanh": {"activation": "tanh"}, "tanh, own": {"activation": "tanh"}}
GRID = (0.001, 0.002, 0.004)


def study(**options):
    return Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, TAKES, **options), name="mine")


def world(score, lost=()):
    """Finds a record of every trial: its final validation accuracy is score(activation, learning rate, seed)."""

    def find(trial):
        rate, activation = trial.recipe.learning_rate, trial.model.activation
        status = "diverged" if (activation, rate) in lost else "finished"
        points = [{"metrics": {"validation/accuracy": score(activation, rate, trial.seed)}}]
        return {"status": status, "points": points}

    return find


def peak(relu, tanh):
    return lambda activation, rate, seed: 1 - abs(rate - {"relu": relu, "tanh": tanh}[activation])


def test_nothing_is_chosen_before_every_try_is_done():
    found = tune(study(), SETTING, lambda job: None)
    assert found.tuned_levels == {} and found.scores == {}
    assert len(found.trials) == len(TUNING_SEEDS) * len(GRID) * 2
    assert {place.job.seed for place in found.trials} == set(TUNING_SEEDS)


def test_every_arm_gets_as_many_tries_by_seeds_that_judge_nothing():
    tries = tune(study(), SETTING, lambda job: None).trials
    for activation in ("relu", "tanh"):
        assert sum(place.job.model.activation == activation for place in tries) == len(TUNING_SEEDS) * len(GRID)
    judged = expand_study(study(), SETTING._replace(tuned_levels={"mine": dict.fromkeys(TAKES, 0.002)}))
    assert {place.job.seed for place in judged if isinstance(place.job, Trial)}.isdisjoint(TUNING_SEEDS)


def test_each_arm_takes_the_best_level_of_its_source():
    found = tune(study(), SETTING, world(peak(0.002, 0.002)))
    assert found.tuned_levels == dict.fromkeys(TAKES, 0.002)
    found = tune(study(ratio=0), SETTING, world(peak(0.001, 0.004)))
    assert found.tuned_levels == {"relu": 0.001, "tanh": 0.001, "tanh, own": 0.004}


def test_the_score_is_the_mean_over_the_seeds():
    scores = {500: {0.001: 0.9, 0.002: 0.6, 0.004: 0.1}, 501: {0.001: 0.1, 0.002: 0.6, 0.004: 0.2}}
    found = tune(study(), SETTING, world(lambda activation, rate, seed: scores[seed][rate]))
    assert found.scores["relu"] == {0.001: 0.5, 0.002: 0.6, 0.004: pytest.approx(0.15)}
    assert found.tuned_levels["relu"] == 0.002


def test_a_grid_whose_edge_is_best_for_one_arm_is_extended_for_all():
    found = tune(study(), SETTING, world(peak(0.002, 0.008)))
    assert found.tuned_levels == {"relu": 0.002, "tanh": 0.002, "tanh, own": 0.008}
    assert list(found.scores["relu"]) == list(found.scores["tanh"]) == [0.001, 0.002, 0.004, 0.008, 0.016]


def test_a_grid_is_not_extended_for_ever_and_never_where_it_is_fixed():
    found = tune(study(), SETTING, world(lambda activation, rate, seed: rate))
    assert len(found.scores["relu"]) == MAX_GRID_LEVELS
    assert list(tune(study(ratio=0), SETTING, world(peak(0.001, 0.004))).scores["tanh"]) == list(GRID)


def test_an_arm_that_learns_nothing_anywhere_takes_the_middle_and_extends_no_grid():
    found = tune(study(), SETTING, world(lambda activation, rate, seed: 0.1))
    assert found.tuned_levels == dict.fromkeys(TAKES, 0.002)
    assert list(found.scores["tanh"]) == list(GRID)


def test_a_level_that_diverged_is_never_chosen():
    found = tune(study(ratio=0), SETTING, world(peak(0.004, 0.004), lost={("tanh", 0.004)}))
    assert (found.tuned_levels["relu"], found.tuned_levels["tanh, own"]) == (0.004, 0.002)


def test_arms_whose_level_is_not_chosen_yet_have_no_jobs_and_the_controls_are_the_baselines():
    assert [place.arm for place in expand_study(study(), SETTING)] == []
    chosen = {"mine": {"relu": 0.003, "tanh": 0.003, "tanh, own": 0.005}}
    placed = expand_study(study(), SETTING._replace(tuned_levels=chosen))
    rates = {place.arm: place.job.recipe.learning_rate for place in placed}
    assert rates == {"relu": 0.003, "tanh": 0.003, "tanh, own": 0.005, AGAIN: 0.003, SHUFFLED: 0.003}


def test_arms_of_one_level_are_one_trial():
    placed = expand_study(study(), SETTING._replace(tuned_levels={"mine": dict.fromkeys(TAKES, 0.003)}))
    first = {place.arm: identity(place.job) for place in placed if place.seed == 0}
    assert first["tanh"] == first["tanh, own"] != first["relu"]


@pytest.mark.parametrize("grid", [(0.1, 0.2), (0.3, 0.2, 0.1)])
def test_a_grid_that_is_none_is_refused(grid):
    with pytest.raises(InputError, match="a tuning's grid"):
        Tuning("learning_rate", grid, TAKES)


def test_an_arm_that_there_is_not_is_refused():
    odd = Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, {"rule": "relu"}), name="mine")
    with pytest.raises(InputError, match="there is no arm 'rule'"):
        expand_study(odd, SETTING)
