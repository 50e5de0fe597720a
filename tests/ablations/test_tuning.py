import pytest
from pydantic import ValidationError

from ablations import AGAIN, Setting, Study, Tuning
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.study import SHUFFLED
from ablations.framework.tuning import MAX_GRID_LEVELS, TUNING_SEEDS, tune
from bench.records.validation import adapter
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial, identity

SETTING = Setting(PROFILES["smoke"], DataConfig("digest", 10, train=1000))
TAKES = {"relu": "relu", "tanh": "relu", "tanh, own": "tanh"}
ARMS = {"relu": {}, "tanh": {"activation": "tanh"}, "tanh, own": {"activation": "tanh"}}
GRID = (0.001, 0.002, 0.004)


def study(**options):
    return Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, TAKES, **options), name="mine")


def records(score, diverged=()):
    """Return a function that finds records with validation accuracy score(activation, learning rate, seed)."""

    def find_record(trial):
        rate, activation = trial.recipe.learning_rate, trial.model.activation
        status = "diverged" if (activation, rate) in diverged else "finished"
        points = [{"metrics": {"validation/accuracy": score(activation, rate, trial.seed)}}]
        return {"status": status, "points": points}

    return find_record


def peak(relu, tanh):
    return lambda activation, rate, seed: 1 - abs(rate - {"relu": relu, "tanh": tanh}[activation])


def test_no_level_is_chosen_before_every_trial_is_done():
    result = tune(study(), SETTING, lambda job: None)
    assert result.tuned_levels == {} and result.scores == {}
    assert len(result.trials) == len(TUNING_SEEDS) * len(GRID) * 2
    assert {place.job.seed for place in result.trials} == set(TUNING_SEEDS)


def test_every_arm_gets_equally_many_trials_under_seeds_that_no_claim_uses():
    trials = tune(study(), SETTING, lambda job: None).trials
    for activation in ("relu", "tanh"):
        assert sum(place.job.model.activation == activation for place in trials) == len(TUNING_SEEDS) * len(GRID)
    judged = expand_study(study(), SETTING._replace(tuned_levels={"mine": dict.fromkeys(TAKES, 0.002)}))
    assert {place.job.seed for place in judged if isinstance(place.job, Trial)}.isdisjoint(TUNING_SEEDS)


def test_each_arm_takes_the_best_level_of_its_source():
    result = tune(study(), SETTING, records(peak(0.002, 0.002)))
    assert result.tuned_levels == dict.fromkeys(TAKES, 0.002)
    result = tune(study(ratio=0), SETTING, records(peak(0.001, 0.004)))
    assert result.tuned_levels == {"relu": 0.001, "tanh": 0.001, "tanh, own": 0.004}


def test_the_score_is_the_mean_over_the_seeds():
    scores = {500: {0.001: 0.9, 0.002: 0.6, 0.004: 0.1}, 501: {0.001: 0.1, 0.002: 0.6, 0.004: 0.2}}
    result = tune(study(), SETTING, records(lambda activation, rate, seed: scores[seed][rate]))
    assert result.scores["relu"] == {0.001: 0.5, 0.002: 0.6, 0.004: pytest.approx(0.15)}
    assert result.tuned_levels["relu"] == 0.002


def test_a_grid_whose_edge_is_best_for_one_arm_is_extended_for_all():
    result = tune(study(), SETTING, records(peak(0.002, 0.008)))
    assert result.tuned_levels == {"relu": 0.002, "tanh": 0.002, "tanh, own": 0.008}
    assert list(result.scores["relu"]) == list(result.scores["tanh"]) == [0.001, 0.002, 0.004, 0.008, 0.016]


def test_a_grid_is_extended_to_a_maximal_size_and_not_where_it_is_fixed():
    result = tune(study(), SETTING, records(lambda activation, rate, seed: rate))
    assert len(result.scores["relu"]) == MAX_GRID_LEVELS
    assert list(tune(study(ratio=0), SETTING, records(peak(0.001, 0.004))).scores["tanh"]) == list(GRID)


def test_an_arm_that_never_learns_takes_the_middle_and_extends_no_grid():
    result = tune(study(), SETTING, records(lambda activation, rate, seed: 0.1))
    assert result.tuned_levels == dict.fromkeys(TAKES, 0.002)
    assert list(result.scores["tanh"]) == list(GRID)


def test_a_diverged_level_is_never_chosen():
    result = tune(study(ratio=0), SETTING, records(peak(0.004, 0.004), diverged={("tanh", 0.004)}))
    assert (result.tuned_levels["relu"], result.tuned_levels["tanh, own"]) == (0.004, 0.002)


def test_arms_without_a_tuned_level_have_no_jobs():
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
def test_an_invalid_grid_is_refused(grid):
    with pytest.raises(ValidationError, match="a tuning's grid"):  # discovery turns it into one line
        adapter(Tuning).validate_python(Tuning("learning_rate", grid, TAKES))


def test_an_unknown_arm_is_refused():
    invalid = Study("?", (), arms=ARMS, tuning=Tuning("learning_rate", GRID, {"rule": "relu"}), name="mine")
    with pytest.raises(InputError, match="arm 'rule' is unknown"):
        expand_study(invalid, SETTING)
