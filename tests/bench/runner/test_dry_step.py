"""Mistakes in a component of a study file: each is one line before anything trains."""

import pytest

from ablations.framework.discovery import find_studies
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES, Setting
from bench.runner.job_check import check_job
from bench.spec.config import DataConfig
from bench.spec.errors import InputError

SETTING = Setting(PROFILES["smoke"], DataConfig("0123456789abcdef", 10, 1000))
FILE = """
import torch
from torch import nn
from ablations import Study, activation, augmentation, loss, metric, normalisation, optimizer, schedule
from bench.components.augmentations import none

{code}

STUDY = Study(question="?", claims=(), base={base}, arms={{"own": {levels}}})
"""


def check(folder, code, levels):
    (folder / "mine.py").write_text(FILE.format(code=code, levels=levels, base={"layout": "zhang"}))
    (study,) = find_studies([str(folder / "mine.py")])
    for place in expand_study(study, SETTING):
        check_job(place.job)


@pytest.mark.parametrize(
    "code, levels, message",
    [
        (
            "@activation('x')\ndef x(config):\n    return nn.ReLU(1 / 0)",
            {"activation": "x"},
            "the network fails: ZeroDivisionError: division by zero (mine.py, line 9)",
        ),
        (
            "@normalisation('x')\ndef x(channels, dimensions):\n    return nn.BatchNorm2d(3)",
            {"normalisation": "x"},
            "the network's forward pass fails: RuntimeError: running_mean should contain",
        ),
        (
            "@augmentation('x')\ndef x(batch):\n    return none(batch)[:, :1]",
            {"augmentation": "x"},
            "augmentation x returns torch.float32 of shape (4, 1, 28, 28): it must return floating-point numbers of "
            "shape (4, 3, 28, 28) for 4 images",
        ),
        (
            "@augmentation('x')\ndef x(batch):\n    return batch.canvas.tolist()",
            {"augmentation": "x"},
            "augmentation x returns list: it must",
        ),
        (
            "@loss('x')\ndef x(logits, labels):\n    return logits.sum(1)",
            {"loss": "x"},
            "loss x returns torch.float32 of shape (4,): it must return floating-point numbers of shape ()",
        ),
        (
            "@loss('x')\ndef x(logits, labels):\n    return logits.sum() / 0",
            {"loss": "x"},
            "loss x returns numbers that are not finite",
        ),
        (
            "@loss('x')\ndef x(logits, labels):\n    return logits.detach().sum()",
            {"loss": "x"},
            "the backward pass fails: RuntimeError: element 0 of tensors does not require grad",
        ),
        (
            "@optimizer('x')\ndef x(parameters, learning_rate):\n    return None",
            {"optimiser": "x"},
            "optimiser x fails: TypeError: x() takes 2 positional arguments but 4 were given",
        ),
        (
            "class X(torch.optim.SGD):\n    count = 0\n    def step(self):\n        self.count += 1\n\n"
            "@optimizer('x')\ndef x(parameters, rate, decay, device):\n    return X(parameters, rate)",
            {"optimiser": "x"},
            "optimiser x changes self.count, which no checkpoint holds: keep it in self.state",
        ),
        (
            "@schedule('x')\ndef x(optimizer, recipe, steps):\n    raise KeyError(steps)",
            {"schedule": "x"},
            "schedule x fails: KeyError: 1 (mine.py, line 9)",
        ),
        (
            "@metric('x')\ndef x(network, images, labels):\n    return network(images)",
            {},
            "metric x returns torch.float32 of shape (4, 10): it must return floating-point numbers of shape (4,)",
        ),
    ],
)
def test_a_component_that_fails_is_one_line(tmp_path, code, levels, message):
    with pytest.raises(InputError) as caught:
        check(tmp_path, code, levels)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_components_that_work_pass(tmp_path):
    code = """
@activation("swish")
def swish(config):
    return nn.SiLU()

@loss("smooth")
def smooth(logits, labels):
    return nn.functional.cross_entropy(logits, labels, label_smoothing=0.1)

@optimizer("adamw")
def adamw(parameters, learning_rate, weight_decay, device):
    return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)

@metric("confidence")
def confidence(network, images, labels):
    return network(images).softmax(1).amax(1)
"""
    check(tmp_path, code, {"activation": "swish", "loss": "smooth", "optimiser": "adamw"})
