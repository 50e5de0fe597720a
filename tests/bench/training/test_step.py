from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode

from bench.components.augmentations import AUGMENTATIONS
from bench.data.image_sets import ResidentImages
from bench.models.network import build
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.training import step
from bench.training.step import StepMemory, make_step

TRIAL = Trial(ModelConfig(width=1 / 16), TrainConfig(batch=8), DataConfig("", 10), 0)


def valueless_step(trial):
    """A step on tensors without values, on which reading a value raises, and its total loss."""
    network = build(trial.model, trial.seed)
    side = network.size + 2 * network.pad
    images = ResidentImages(torch.zeros(20, side, side, 3, dtype=torch.uint8), torch.zeros(20, dtype=torch.int64))
    draw = torch.zeros(8, AUGMENTATIONS[trial.recipe.augmentation].draws)
    index, total = torch.zeros(8, dtype=torch.int64), torch.zeros(())
    optimiser = torch.optim.Adam(network.parameters(), fused=True, capturable=True)
    optimiser.param_groups[0]["lr"] = torch.tensor(1e-3)  # set afterwards, because the constructor reads the value
    return make_step(trial, trial.recipe, network, optimiser, StepMemory(images, index, draw, total)), total


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("normalisation", ["none", "lrn", "batch"])
@pytest.mark.parametrize("penalty, inputs", [(0.0, "scaled"), (1.0, "scaled"), (0.0, "pixels")])
def test_a_step_reads_no_value_from_its_device(augmentation, normalisation, penalty, inputs):
    model = replace(TRIAL.model, normalisation=normalisation, inputs=inputs)
    recipe = replace(TRIAL.recipe, augmentation=augmentation, activation_penalty=penalty)
    with FakeTensorMode():
        step, total = valueless_step(replace(TRIAL, model=model, recipe=recipe))
        step()
        step()
        with pytest.raises(DataDependentOutputException):
            total.item()


class Recorder:
    """A stand-in for torch.cuda: a recorded step runs at each replay, and not during the recording."""

    def __init__(self):
        self.recording, self.log = False, []

    def CUDAGraph(self):
        return self

    def Stream(self, device):
        return self

    def current_device(self):
        return self

    def current_stream(self):
        return self

    def wait_stream(self, other):
        pass

    def stream(self, stream):
        return self

    def graph(self, graph):
        self.recording = True
        return self

    def __enter__(self):
        pass

    def __exit__(self, *error):
        self.recording = False

    def replay(self):
        self.log.append("replay")

    def step(self):
        self.log.append("record" if self.recording else "run")


def test_on_a_gpu_every_call_trains_once_and_the_graph_is_recorded_once(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(torch, "cuda", recorder)
    call = step._record_graph(recorder.step)
    for _ in range(6):
        call()
    assert recorder.log == ["run", "run", "run", "record", "replay", "replay", "replay"]
