from ablations import AGAIN, Claim, Contrast, Setting, Study
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from ablations.framework.waves import PlacedJob
from bench.extensions.component import RESERVED
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Count, Probe, Timing, Trial, identity
from reports.tables import observations

DATA = DataConfig("digest", 10, train=1000, chance=0.12)
CLAIM = Claim("claim", "A sentence", (Contrast("test/accuracy", "tanh", "relu", 1),))
STUDY = Study("?", (CLAIM,), arms={"relu": {}, "tanh": {"activation": "tanh"}}, name="relu")
SETTING = Setting(PROFILES["smoke"], DATA)
STEPS = "speed/steps_to_train_error_25"


def finished(job, **fields):
    return {**store.new_record(job), "status": "finished", "started": 100.0, "ended": 112.5, **fields}


def trained(job, accuracy, **metrics):
    points = [
        {"step": 0, "epoch": 0, "time": 0, "metrics": {"test/accuracy": 0.1}},
        {"step": 80, "epoch": 2, "time": 9, "metrics": {"test/accuracy": accuracy, **metrics}},
    ]
    return finished(job, points=points, network={"parameters": 30, "macs": 400, "layers": []})


def by_identity(*records):
    return {record["identity"]: record for record in records}


def rows(table, *fields):
    return [tuple(row) for row in table[list(fields)].itertuples(index=False)]


def test_a_trials_last_values_have_the_seed_of_its_study():
    a_a_job = next(p for p in expand_study(STUDY, SETTING) if p.arm == AGAIN and p.seed == 1)
    table = observations.tabulate_observations([a_a_job], by_identity(trained(a_a_job.job, 0.75, **{STEPS: 40.0})))
    assert a_a_job.job.seed == 1001
    assert rows(table, "study", "arm", "pair", "metric", "value", "censored", "fit", "identity") == [
        ("relu", AGAIN, 1, "test/accuracy", 0.75, False, True, identity(a_a_job.job)),
        ("relu", AGAIN, 1, STEPS, 40.0, False, True, identity(a_a_job.job)),
    ]


def test_steps_to_an_error_that_is_not_reached_are_censored_at_the_budget():
    place = expand_study(STUDY, SETTING)[0]
    table = observations.tabulate_observations([place], by_identity(trained(place.job, 0.2)))
    assert rows(table, "metric", "value", "censored") == [("test/accuracy", 0.2, False), (STEPS, 80.0, True)]
    results = observations.tabulate_results([place], by_identity(trained(place.job, 0.2)))
    assert rows(results, "study", "arm", "pair", STEPS, "censored") == [("relu", "relu", 0, 80, True)]


def test_trials_without_a_result_give_no_observation_but_a_row():
    first, second, third = expand_study(STUDY, SETTING)[:3]
    failed = trained(second.job, 0.9) | {"status": "failed"}
    records = by_identity(trained(first.job, 0.5), failed)
    assert set(observations.tabulate_observations([first, second, third], records).arm) == {"relu"}
    assert rows(observations.tabulate_results([first, second, third], records), "arm", "test/accuracy") == [
        ("relu", 0.5)
    ]
    records = by_identity(trained(first.job, 0.5), failed | {"status": "diverged"})
    table = observations.tabulate_trials([first, second, third], records)
    assert list(table.status) == ["finished", "diverged", "not run"]
    assert table["test/accuracy"].isna().tolist() == [False, True, True]
    assert rows(table.head(1), "arm", "activation", "epochs", "parameters", "macs", "seconds") == [
        ("relu", "relu", 2, 30, 400, 12.5)
    ]
    assert table.activation[1] == "tanh"


def test_a_diverged_trial_counts_with_its_accuracy_at_chance():
    """It ended after one of two epochs of 40 steps."""
    place = expand_study(STUDY, SETTING)[0]
    points = [{"step": 40, "epoch": 1, "time": 9, "metrics": {"batch/loss": 9.0, "train/accuracy": 0.3}}]
    record = finished(place.job, points=points) | {"status": "diverged"}
    table = observations.tabulate_observations([place], by_identity(record))
    assert set(rows(table, "metric", "value", "censored", "diverged")) == {
        ("train/accuracy", 0.12, False, 1),
        ("validation/accuracy", 0.12, False, 1),
        ("test/accuracy", 0.12, False, 1),
        ("gap/accuracy", 0.0, False, 1),
        (STEPS, 80.0, True, 1),
    }
    record["points"][0] |= {"step": 0, "epoch": 0}
    table = observations.tabulate_observations([place], by_identity(record))
    assert STEPS not in set(table.metric) and len(table) == 4


def test_a_trial_is_listed_with_its_pair_and_its_own_seed():
    table = observations.tabulate_trials(
        [place for place in expand_study(STUDY, SETTING) if place.arm in ("relu", AGAIN)], {}
    )
    assert rows(table, "arm", "pair", "seed") == [("relu", 0, 0), (AGAIN, 0, 1000), ("relu", 1, 1), (AGAIN, 1, 1001)]


def test_no_factor_of_a_declared_network_can_have_the_name_of_a_column():
    job = Trial(ModelConfig(network="net@0123456789abcdef"), TrainConfig(), DATA, 0)
    table = observations.tabulate_trials([PlacedJob("s", "a", 0, job)], by_identity(trained(job, 0.5)))
    assert {name for name in table if "/" not in name} <= RESERVED


def test_tables_without_records_have_their_columns():
    placed = expand_study(STUDY, SETTING)
    assert list(observations.tabulate_observations(placed, {})) == list(observations.Observation._fields)
    assert list(observations.tabulate_results(placed, {})) == observations.TRIAL_COLUMNS
    assert list(observations.tabulate_curves(placed, {})) == [
        "study",
        "arm",
        "pair",
        "step",
        "epoch",
        "metric",
        "value",
    ]
    assert set(observations.tabulate_trials(placed, {}).status) == {"not run"}


def test_curves_have_one_row_per_step_and_drawn_metric():
    place = expand_study(STUDY, SETTING)[1]
    record = trained(place.job, 0.5, **{"validation/accuracy": 0.4, "batch/loss": 2.0, "train/accuracy": 0.0})
    table = observations.tabulate_curves([place], by_identity(record))
    assert rows(table, "arm", "pair", "step", "epoch", "metric", "value") == [
        ("tanh", 0, 80, 2, "train/accuracy", 0.0),
        ("tanh", 0, 80, 2, "validation/accuracy", 0.4),
    ]


def test_a_metric_that_a_trial_lacks_is_no_observation_and_empty_in_its_row():
    first, second = expand_study(STUDY, SETTING)[:2]
    records = by_identity(trained(first.job, 0.5), trained(second.job, 0.4, **{"gap/accuracy": 0.2}))
    assert observations.tabulate_results([first, second], records)["gap/accuracy"].isna().tolist() == [True, False]
    table = observations.tabulate_observations([first, second], records)
    assert rows(table[table.metric == "gap/accuracy"], "arm", "value") == [("tanh", 0.2)]


def test_trials_and_other_jobs_stand_in_one_table_of_observations():
    trial, count = expand_study(STUDY, SETTING)[0], PlacedJob("size", "document", None, Count(ModelConfig()))
    network = {"parameters": 10, "macs": 20, "layers": []}
    records = by_identity(trained(trial.job, 0.5), finished(count.job, network=network))
    table = observations.tabulate_observations([count, trial], records)
    assert set(table.arm) == {"relu", "document"}
    assert table.dtypes[["pair", "value", "censored", "fit"]].tolist() == [int, float, bool, bool]


def test_a_count_gives_totals_layers_and_the_share_of_convolutions():
    job = Count(ModelConfig())
    layers = [
        {"name": "conv1", "kind": "conv", "parameters": 6, "macs": 95},
        {"name": "fc2", "kind": "fc", "parameters": 94, "macs": 5},
    ]
    record = finished(job, network={"parameters": 100, "macs": 100, "layers": layers})
    table = observations.tabulate_observations([PlacedJob("size", "document", None, job)], by_identity(record))
    assert set(table.pair) == {0}
    assert dict(zip(table.metric, table.value, strict=True)) == {
        "parameters/total": 100,
        "parameters/conv1": 6,
        "parameters/fc2": 94,
        "parameters/conv_share": 0.06,
        "macs/total": 100,
        "macs/conv1": 95,
        "macs/fc2": 5,
        "macs/conv_share": 0.95,
    }


def test_a_timing_gives_its_samples_as_they_are_and_an_unfit_one_says_so():
    job = Timing("activations", (("relu", ModelConfig()),), (4, 16), rounds=1)
    samples = [{"arm": "relu", "pair": 3, "metric": f"time/kernel_ms/{size}", "value": 2.0} for size in (4, 16)]
    record = finished(job, samples=samples, fit=False)
    table = observations.tabulate_observations([PlacedJob("relu", "", None, job)], by_identity(record))
    assert not table.fit.any()
    assert rows(table, "arm", "pair", "metric", "value") == [
        ("relu", 3, "time/kernel_ms/4", 2.0),
        ("relu", 3, "time/kernel_ms/16", 2.0),
    ]


def test_a_probe_gives_its_samples_as_they_are():
    job = Probe("masks", (Trial(ModelConfig(), TrainConfig(), DATA, 0),))
    samples = [{"arm": "one mask", "pair": 0, "metric": "test/accuracy", "value": 0.5}]
    table = observations.tabulate_observations(
        [PlacedJob("dropout", "p=0.5", None, job)], by_identity(finished(job, samples=samples))
    )
    assert rows(table, "arm", "pair", "metric", "value") == [("one mask", 0, "test/accuracy", 0.5)]
