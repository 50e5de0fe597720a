from dataclasses import asdict, replace

import pytest
from small_networks import Residual, declare

from bench.components.kernels import KERNELS
from bench.components.layouts import LAYOUTS
from bench.runner.estimate import PUBLISH_S, DurationModel, disk_mb
from bench.runner.rule_of_thumb import IMAGES_PER_SECOND, MAC_S, MIN_IMAGE_S, kind_of_network, rule_of_thumb
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Probe, Timing, Trial, job_kind
from bench.training.evaluation_schedule import evaluated_images, evaluation_epochs

TRIAL = Trial(
    ModelConfig("document", width=0.25), TrainConfig(epochs=10, share=0.5), DataConfig("", 10, train=1_000), 0
)
VALIDATION, TEST = 300, 400


def record(trial, seconds, steps=0.6):
    """Make the record of a trial with this duration, of which `steps` is the share spent on steps."""
    images = trial.recipe.epochs * trial.recipe.share * trial.data.train
    return {
        "kind": "trial",
        "status": "finished",
        "job": asdict(trial),
        "data": {"train": trial.data.train, "validation": VALIDATION, "test": TEST},
        "points": [{"epoch": trial.recipe.epochs, "metrics": {"speed/images_per_second": images / (steps * seconds)}}],
        "environment": {},
        "started": 100.0,
        "ended": 100.0 + seconds,
    }


def learnt(*records):
    durations = DurationModel(VALIDATION, TEST)
    for record in records:
        durations.learn(record)
    return durations


@pytest.mark.parametrize(("epochs", "expected"), [(1, {1}), (2, {1, 2}), (16, {1, 2, 4, 5, 6, 8, 10, 12, 14, 16})])
def test_a_trial_is_looked_at_early_and_about_ten_times(epochs, expected):
    assert evaluation_epochs(epochs) == expected


def test_images_that_are_looked_at_are_counted_one_by_one():
    """Before the end an eighth of the training images: 1,250 of 10,000, at most 2,000, and all of smaller splits."""
    start, end = 1_250 + 300 + 400, 10_000 + 300 + 400
    assert evaluated_images(20, 10_000, 300, 400) == start + 11 * (1_250 + 300) + end
    assert evaluated_images(1, 80_000, 5_000, 400) == (2_000 + 2_000 + 400) + (50_000 + 5_000 + 400)


def test_profile_quick_evaluates_at_most_half_of_the_images_that_it_trains_on():
    assert evaluated_images(16, 4_000, 5_000, 10_000) <= 0.5 * 16 * 4_000


def test_a_trial_is_estimated_from_trials_of_its_layout_and_width():
    durations = learnt(*(record(replace(TRIAL, seed=seed), seconds) for seed, seconds in enumerate((6.0, 8.0, 7.0))))
    assert durations.predict_s(TRIAL) == pytest.approx(7)


def test_twice_the_epochs_double_the_time_of_steps_but_not_of_full_evaluations():
    durations, longer = learnt(record(TRIAL, 10.0)), replace(TRIAL, recipe=replace(TRIAL.recipe, epochs=20))
    looked = evaluated_images(20, 500, VALIDATION, TEST) / evaluated_images(10, 500, VALIDATION, TEST)
    assert durations.predict_s(longer) == pytest.approx(2 * 6 + looked * 4)


def test_a_trial_that_ended_at_an_error_teaches_by_the_epochs_that_it_took():
    """5 of 20 epochs in 5 s is a second an epoch; another such trial should take a quarter too."""
    trial = replace(TRIAL, recipe=replace(TRIAL.recipe, epochs=20, until_error=0.25))
    early = record(replace(trial, recipe=replace(trial.recipe, epochs=5)), 5.0, steps=1.0)
    early["job"]["recipe"]["epochs"] = 20
    assert learnt(early).predict_s(trial) == pytest.approx(5)


def test_a_trial_that_may_end_at_an_error_evaluates_training_images_after_every_epoch():
    assert evaluation_epochs(16, 0.25) == frozenset(range(1, 17))
    whole = 500 + 300 + 400
    assert evaluated_images(16, 500, 300, 400, 0.25) == whole + 15 * 500 + whole


def test_an_interruption_between_processes_does_not_count_as_duration():
    durations = learnt(record(TRIAL, 10.0), record(TRIAL, 10.0), record(TRIAL, 50_000.0, steps=6 / 50_000))
    assert durations.predict_s(TRIAL) == pytest.approx(10)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_rule_of_thumb_estimates_more_time_for_a_wider_network(layout):
    narrow, wide = (replace(TRIAL, model=ModelConfig(layout, width=width)) for width in (0.5, 1.0))
    assert learnt().predict_s(wide) == pytest.approx(4 * learnt().predict_s(narrow))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_network_of_any_kernel_has_a_rule_of_thumb(kernel):
    assert learnt().predict_s(replace(TRIAL, model=ModelConfig("zhang", width=0.25, kernel=kernel))) > 0


def test_a_declared_network_is_estimated_from_its_operations_until_a_trial_is_done():
    """6,376 multiply-accumulates are below the limit; 64 times as many pixels and 100 classes are not."""
    small, large = (replace(TRIAL, model=declare(Residual, size=size)) for size in (8, 1024))
    assert kind_of_network(small.model)[1:] == (6_376, "")
    assert rule_of_thumb((*kind_of_network(small.model), "cpu", "float32")) == MIN_IMAGE_S["cpu"]
    macs = 16_384 * 6_336 + 40  # the classifier sees a mean
    assert rule_of_thumb((*kind_of_network(large.model), "cpu", "float32")) == pytest.approx(macs * MAC_S["cpu"])
    done = record(small, 7.0) | {"network": {"parameters": 458, "macs": 6_376}}
    assert learnt(done).predict_s(small) == pytest.approx(7)
    assert learnt(done).predict_s(replace(small, model=TRIAL.model)) > 0


def test_weights_take_four_bytes_a_parameter():
    model = ModelConfig("torchvision", classes=1000)
    assert disk_mb([], [replace(TRIAL, model=model)]) == pytest.approx(4 * 61.10084)


def test_trials_of_one_network_scale_the_estimate_of_another():
    other, elsewhere = replace(TRIAL, model=ModelConfig("zhang", width=0.5)), replace(TRIAL, device="cuda")
    faster, twice = (learnt(record(TRIAL, seconds, steps=0.5)) for seconds in (6.0, 12.0))
    assert twice.predict_s(other) == pytest.approx(2 * faster.predict_s(other))
    durations = learnt(record(TRIAL, 6.0), record(elsewhere, 0.1))
    assert durations.predict_s(other) == learnt(record(TRIAL, 6.0)).predict_s(other)
    rule = TRIAL.model.width**2 / IMAGES_PER_SECOND["document"]["cpu"]
    steps_s = 10 * 500 * rule
    assert learnt(record(TRIAL, steps_s, steps=1.0)).predict_s(other) == pytest.approx(learnt().predict_s(other))


def test_slow_trials_of_a_narrow_network_do_not_raise_the_estimate_of_wide_ones():
    """A sixteenth of the width needs a 256th of the multiplications, but much more than a 256th of the time."""
    narrow = replace(TRIAL, model=replace(TRIAL.model, width=1 / 16))
    assert learnt(record(narrow, 10 * 500 * MIN_IMAGE_S["cpu"], steps=1.0)).predict_s(TRIAL) == pytest.approx(
        learnt().predict_s(TRIAL)
    )


def test_an_interruption_within_a_step_does_not_raise_the_estimate():
    records = [record(replace(TRIAL, seed=seed), 6.0) for seed in range(2)]
    stood, other = record(TRIAL, 36_000.0, steps=1.0), replace(TRIAL, model=ModelConfig("zhang", width=0.5))
    assert learnt(*records, stood).predict_s(TRIAL) == pytest.approx(6.0)
    assert learnt(*records, stood).predict_s(other) == pytest.approx(learnt(*records).predict_s(other))


def test_a_trial_of_the_same_model_and_augmentation_counts_more_than_one_of_the_same_layout():
    slow = replace(TRIAL, model=replace(TRIAL.model, normalisation="batch"))
    durations = learnt(record(TRIAL, 5.0), record(slow, 9.0), record(replace(slow, seed=1), 9.0))
    assert durations.predict_s(TRIAL) == pytest.approx(5.0) and durations.predict_s(slow) == pytest.approx(9.0)
    other = replace(TRIAL, model=replace(TRIAL.model, activation="tanh"))
    assert durations.predict_s(other) == pytest.approx(9.0)  # the median of the three


def test_trials_of_one_precision_do_not_enter_the_estimate_of_the_other():
    rounded = replace(TRIAL, precision="bfloat16")
    assert learnt(record(TRIAL, 50.0)).predict_s(rounded) == learnt().predict_s(rounded)


def test_a_plan_is_a_guess_until_a_trial_is_done_on_its_device():
    elsewhere = replace(TRIAL, device="cuda")
    assert learnt().is_guess([TRIAL]) and not learnt().is_guess([])
    assert not learnt(record(TRIAL, 1.0)).is_guess([TRIAL]) and learnt(record(TRIAL, 1.0)).is_guess([TRIAL, elsewhere])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_every_layout_has_a_rule_of_thumb_on_every_device(device):
    assert {layout for layout, speeds in IMAGES_PER_SECOND.items() if device in speeds} == LAYOUTS.keys()


def test_other_jobs_are_estimated_from_jobs_of_their_kind():
    timing, probe = (
        Timing("steps", (("a", ModelConfig()),), (8,), 10),
        Probe("activity", (TRIAL, replace(TRIAL, seed=1))),
    )
    common = {"status": "finished", "environment": {}, "started": 100.0}
    records = [
        {**common, "kind": job_kind(job), "job": asdict(job), "ended": 100.0 + seconds}
        for job, seconds in ((timing, 5.0), (probe, 3.0))
    ]
    durations = learnt(*records)
    assert durations.predict_s(replace(timing, rounds=30)) == pytest.approx(15)
    assert durations.predict_s(Probe("activity", (TRIAL,))) == pytest.approx(1.5)
    assert durations.predict_s(replace(timing, device="cuda")) == learnt().predict_s(replace(timing, device="cuda"))
    assert durations.predict_s(Probe("sub-networks", (TRIAL,))) == learnt().predict_s(Probe("sub-networks", (TRIAL,)))


def test_trials_of_several_processes_do_not_enter_the_estimate():
    shared = record(TRIAL, 1.0) | {"environment": {"processes": 8}}
    assert learnt(shared).predict_s(TRIAL) == learnt().predict_s(TRIAL)


@pytest.mark.parametrize("train", [1, 5])
@pytest.mark.parametrize("seconds", [0.0, 1e-3])
@pytest.mark.parametrize("speed", [0.0, 5e-324, 1e300])
def test_records_of_odd_numbers_make_no_plan_impossible(train, seconds, speed):
    tiny = replace(TRIAL, recipe=replace(TRIAL.recipe, share=0.05), data=replace(TRIAL.data, train=train))
    odd_record = record(tiny, 1.0) | {
        "points": [{"epoch": 10, "metrics": {"speed/images_per_second": speed}}],
        "ended": 100.0 + seconds,
    }
    probe = {"kind": "probe", "job": {"question": "activity", "trials": []}, "started": 100.0, "ended": 100.0}
    durations = learnt(odd_record, probe | {"status": "finished", "environment": {}})
    for job in (tiny, TRIAL, Probe("activity", (TRIAL,))):
        assert 0 <= durations.predict_s(job) < float("inf")


def test_workers_share_all_but_timings():
    timing = Timing("steps", (("a", ModelConfig()),), (8,), 10)
    durations = learnt(record(TRIAL, 6.0))
    assert durations.remaining_s([TRIAL, TRIAL], 2) == pytest.approx(6)
    assert durations.remaining_s([TRIAL, TRIAL, TRIAL], 2) == pytest.approx(12)  # one of them alone at the end
    assert durations.remaining_s([timing], 2) == durations.remaining_s([timing], 1) == durations.predict_s(timing)
    assert durations.remaining_s([], 2) == 0


def test_no_number_of_workers_is_faster_than_the_one_process_that_publishes():
    jobs = [replace(TRIAL, seed=seed) for seed in range(400)]
    assert learnt(record(TRIAL, 6.0)).remaining_s(jobs, 1_000) == pytest.approx(400 * PUBLISH_S)
