from types import SimpleNamespace

import pytest
import torch
from torch import nn

from bench.components.activations import ACTIVATIONS as LEVELS
from bench.models.network import build
from bench.spec.config import ModelConfig
from bench.spec.jobs import Timing
from bench.timing import measurement, subjects
from bench.timing.measurement import interleave, measure, why_unfit
from bench.training import stopwatch
from bench.training.stopwatch import Stopwatch

TINY = ModelConfig(layout="zhang", width=0.05, dropout=0.0)


@pytest.fixture
def clock(monkeypatch):
    """A clock that only tasks advance: `now` is wall-clock time, `busy` processor time, in seconds."""
    fake = SimpleNamespace(now=0.0, busy=0.0)
    time = SimpleNamespace(perf_counter=lambda: fake.now, process_time=lambda: fake.busy)
    monkeypatch.setattr(measurement, "time", time)
    monkeypatch.setattr(stopwatch, "time", time)
    return fake


def task(clock, name, calls, seconds, share=1.0):
    """Make a task with a duration and the share of it in which it has the processor."""

    def run():
        calls.append(name)
        clock.now += seconds
        clock.busy += seconds * share

    return run


# Interleaving


def test_every_round_runs_each_arm_once_in_turn(clock):
    calls = []
    tasks = {name: task(clock, name, calls, 1.0) for name in "ABC"}
    samples = list(interleave(tasks, 4, "cpu"))
    assert [(arm, pair) for arm, pair, *_ in samples] == [(arm, pair) for pair in range(4) for arm in "ABC"]
    assert "".join(calls[-12:]) == "ABCABCABCABC"


def test_warm_up_is_run_and_not_counted(clock):
    calls = []
    samples = list(interleave({name: task(clock, name, calls, 1.0) for name in "AB"}, 2, "cpu"))
    warm_up = measurement.WARM_UP_ROUNDS + 1  # the last one measures the duration of a call
    assert "".join(calls) == "A" * warm_up + "B" * warm_up + "ABAB"
    assert len(samples) == 4


def test_a_short_call_is_repeated_and_recorded_as_one(clock):
    calls = []
    tasks = {"short": task(clock, "s", calls, measurement.MIN_SAMPLE_S / 8), "long": task(clock, "l", calls, 1.0)}
    samples = list(interleave(tasks, 2, "cpu"))
    assert "".join(calls[-18:]) == "ssssssssl" * 2
    assert [took for _, _, took, _ in samples] == pytest.approx([measurement.MIN_SAMPLE_S / 8 * 1e3, 1e3] * 2)


def test_time_without_the_processor_is_told_as_a_share(clock):
    tasks = {"alone": task(clock, "a", [], 1.0), "beside others": task(clock, "b", [], 1.0, share=0.6)}
    stolen = {arm: share for arm, _, _, share in interleave(tasks, 2, "cpu")}
    assert stolen == pytest.approx({"alone": 0, "beside others": 0.4})


def test_more_processor_time_than_wall_time_counts_as_no_loss(clock):
    ((_, _, _, stolen),) = interleave({"two threads": task(clock, "t", [], 1.0, share=2.0)}, 1, "cpu")
    assert stolen == 0


@pytest.mark.parametrize("threads, used", [(1, 1), (2, 2), (0, 7)])
def test_a_timing_sets_its_number_of_threads_and_restores_the_previous_one(monkeypatch, threads, used):
    monkeypatch.setattr(measurement.devices, "core_count", lambda: 7)
    monkeypatch.setitem(
        measurement.SUBJECTS, "steps", lambda job: iter([("time/step_ms", {"a": lambda: thread_counts.append(now())})])
    )
    now, thread_counts = torch.get_num_threads, []
    measure(Timing("steps", (("a", TINY),), (8,), 2, threads=threads))
    assert (set(thread_counts), now()) == ({used}, 1)


@pytest.mark.parametrize("threads, fit", [(1, True), (2, False)])
def test_load_of_other_processes_makes_a_timing_of_several_threads_unfit(monkeypatch, threads, fit):
    monkeypatch.setattr(measurement.cpu_load, "start_measuring", lambda: lambda: 0.3)
    monkeypatch.setattr(measurement, "interleave", lambda *arguments: iter([("a", 0, 1.0, 0.0), ("a", 1, 1.0, 0.0)]))
    monkeypatch.setitem(measurement.SUBJECTS, "steps", lambda job: iter([("time/step_ms", {})]))
    fields = measure(Timing("steps", (("a", TINY),), (8,), 2, threads=threads))
    why = "" if fit else "the machine was busy: 30 % of the time went to other processes"
    assert (fields["fit"], fields["why_unfit"]) == (fit, why)


# Fitness


def samples(arms, metric="time/step_ms"):
    return [
        {"arm": arm, "pair": pair, "metric": metric, "value": value}
        for arm, values in arms.items()
        for pair, value in enumerate(values)
    ]


STEADY = {"relu": [10.0, 10.1, 9.9, 10.0], "tanh": [20.0, 20.2, 19.8, 20.0]}


def test_a_quiet_machine_is_fit():
    assert why_unfit(samples(STEADY), [0.0, 0.01, 0.02]) == ""


def test_time_that_went_to_other_processes_is_unfit():
    assert why_unfit(samples(STEADY), [0.1] * 8) == "the machine was busy: 10 % of the time went to other processes"


def test_a_spread_beyond_a_tenth_is_unfit():
    shaky = {arm: [8.0, 10.0, 12.0, 14.0] for arm in STEADY}
    assert why_unfit(samples(shaky), [0.0]) == "the machine was unsteady: typical spread 27 %"


def test_one_slow_round_leaves_a_timing_fit():
    assert why_unfit(samples({arm: [*[values[0]] * 19, 90.0] for arm, values in STEADY.items()}), [0.0]) == ""


def test_one_unsteady_arm_of_three_leaves_a_timing_fit():
    assert why_unfit(samples({**STEADY, "copy": [1.0, 5.0, 9.0, 13.0]}), [0.0]) == ""


def test_arms_of_different_metrics_are_not_mixed():
    small, large = samples({"relu": [1.0] * 4}, "time/kernel_ms/10"), samples({"relu": [9.0] * 4}, "time/kernel_ms/99")
    assert why_unfit(small + large, [0.0]) == ""


# The stopwatch


def test_a_stopwatch_excludes_the_warm_up_of_the_first_lap(clock):
    watch = Stopwatch("cpu")
    for lap in ([9.0, 8.0, 7.0, 0.001, 0.002], [0.003, 0.004]):
        watch.start()
        for seconds in lap:
            clock.now += seconds
            watch.mark()
        clock.now += 100  # an evaluation between two laps
    assert watch.milliseconds() == pytest.approx([1, 2, 3, 4])


@pytest.mark.parametrize("steps, step_ms", [(1, [1]), (2, [2]), (3, [3]), (4, [4]), (5, [4, 5])])
def test_a_stopwatch_keeps_at_least_the_last_step(clock, steps, step_ms):
    watch = Stopwatch("cpu")
    watch.start()
    for step in range(1, steps + 1):
        clock.now += step / 1e3
        watch.mark()
    assert watch.milliseconds() == pytest.approx(step_ms)


# Measuring


def arms(**models):
    return tuple(models.items())


ACTIVATIONS = arms(**{name: ModelConfig(activation=name) for name in ("relu", "sigmoid", "tanh")})


@pytest.mark.parametrize(
    "job, metrics, expected",
    [
        (
            Timing("activations", ACTIVATIONS, (64, 1024), 3),
            ["time/kernel_ms", "time/kernel_ms/1024"],
            ["relu", "sigmoid", "tanh", "copy"],
        ),
        (
            Timing("steps", arms(relu=TINY, lrn=ModelConfig(**{**vars(TINY), "normalisation": "lrn"})), (4,), 3),
            ["time/step_ms"],
            ["relu", "lrn"],
        ),
        (
            Timing("layers", arms(zhang=TINY, four=ModelConfig("four-layer", inputs="pixels")), (1, 4), 3),
            ["time/forward_ms/batch 1", "time/forward_ms/batch 4"],
            [
                *("zhang: convolutions", "zhang: fully connected"),
                *("four: convolutions", "four: fully connected"),
            ],
        ),
        (Timing("steps", arms(low=TINY), (2,), 3, precision="bfloat16"), ["time/step_ms"], ["low"]),
    ],
    ids=["activations", "steps", "layers", "bfloat16"],
)
def test_a_timing_gives_every_arm_metric_and_round_in_turn(job, metrics, expected):
    result = measure(job)
    assert [(s["metric"], s["pair"], s["arm"]) for s in result["samples"]] == [
        (metric, pair, arm) for metric in metrics for pair in range(3) for arm in expected
    ]
    assert all(0 < sample["value"] < 1e4 for sample in result["samples"])
    assert result["fit"] is (result["why_unfit"] == "")


def test_a_timing_on_a_busy_machine_is_marked(monkeypatch):
    monkeypatch.setattr(measurement, "interleave", lambda tasks, rounds, device: [("low", 0, 1.0, 0.5)])
    result = measure(Timing("steps", arms(low=TINY), (2,), 1))
    assert (result["fit"], result["why_unfit"][:20]) == (False, "the machine was busy")


@pytest.mark.parametrize("name, module", [("relu", nn.ReLU()), ("sigmoid", nn.Sigmoid()), ("tanh", nn.Tanh())])
def test_the_kernels_that_are_timed_compute_the_activation_and_its_gradient(name, module):
    inputs = torch.randn(100, generator=torch.Generator().manual_seed(0)).requires_grad_()
    gradient, output, result = torch.full((100,), 2.0), torch.empty(100), torch.empty(100)
    LEVELS[name].kernel(inputs.detach(), gradient, output, result)
    expected = module(inputs)
    expected.backward(gradient)
    torch.testing.assert_close(output, expected.detach())
    torch.testing.assert_close(result, inputs.grad)


def test_a_step_trains_the_network(monkeypatch):
    network = build(TINY, 0)
    monkeypatch.setattr(subjects, "build", lambda model, seed: network)
    step = subjects._training_step(TINY, 4, Timing("steps", arms(relu=TINY), (4,), 1))
    before = [p.detach().clone() for p in network.parameters()]
    step()
    assert all(not torch.equal(p, initial) for p, initial in zip(network.parameters(), before, strict=True))


def test_the_two_parts_that_are_timed_make_up_the_network(monkeypatch):
    network = build(TINY, 0).to(memory_format=torch.channels_last).eval()
    parts = []
    monkeypatch.setattr(subjects, "_forward", lambda part, inputs: parts.append((part, inputs)))
    job = Timing("layers", arms(zhang=TINY), (2,), 1)
    list(subjects.network_parts(job))
    (convolutions, images), (classifier, middle) = parts
    with torch.no_grad():
        torch.testing.assert_close(convolutions(images).flatten(1), middle)
        torch.testing.assert_close(classifier(middle), network(images))
