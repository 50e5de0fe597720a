"""A component, a factor or a switch of a study file that cannot be used is refused in one line, before any training."""

import pytest
from inputs import refusal

from ablations import Setting
from ablations.framework import discovery, request
from ablations.framework.profiles import PROFILES
from bench.spec.config import DataConfig

SETTING = Setting(PROFILES["smoke"], DataConfig("0123456789abcdef", classes=10, train=100))
FILE = """
from typing import Literal

from ablations import Claim, Contrast, Study, Switch, designs
from ablations import activation, augmentation, layout, metric, network, normalisation, optimizer


@network("resnet", size=32)
def resnet(classes, skip: bool = True, norm: Literal["batch", "none"] = "batch", width: int = 8, rate: float = 0.5):
    raise NotImplementedError


def study(**fields):
    claim = Claim("mine", "A claim", (Contrast("test/accuracy", "a", "b", margin=1),))
    return Study(**{"question": "?", "claims": (claim,), "arms": {"a": {}, "b": {"dropout": 0.5}}, **fields})


def arm(**levels):
    return study(base={"network": "resnet"}, arms={"a": {}, "b": levels})


def design(**switches):
    switches = {"skip": Switch({"skip": True}, {"skip": False}), **switches}
    return Study("?", base={"network": "resnet"}, **designs.full_factorial(switches, margin=0.5))


"""


@pytest.fixture
def refuse(tmp_path):
    """Return the line with which a study file that ends so is refused, without the file's folder."""

    def load(file):
        (study,) = discovery.find_studies([file])
        request._study_jobs(study, SETTING)

    def write(code):
        (tmp_path / "mine.py").write_text(f"{FILE}{code}\n")
        return refusal(load, str(tmp_path / "mine.py")).replace(f"{tmp_path}/", "")

    return write


FACTORS = "it can be skip, norm, width, rate"


@pytest.mark.parametrize(
    "code, line",
    [
        ("arm(skipp=False)", f"study mine, arm 'b': the network declares no factor 'skipp'; {FACTORS}"),
        ("arm(activation='tanh')", f"study mine, arm 'b': the network declares no factor 'activation'; {FACTORS}"),
        ("arm(classes=3)", f"study mine, arm 'b': the network declares no factor 'classes'; {FACTORS}"),
        ("arm(skip=0)", "study mine, arm 'b': skip is 0; it can be False, True"),
        ("arm(norm='layer')", "study mine, arm 'b': norm is 'layer'; it can be 'batch', 'none'"),
        ("arm(norm=['batch'])", "study mine, arm 'b': norm is ['batch']; it can be 'batch', 'none'"),
        ("arm(width=8.5)", "study mine, arm 'b': width is 8.5; it must be int like 8"),
        ("arm(rate=float('nan'))", "study mine, arm 'b': rate is nan; it must be a number between -1e+15 and 1e+15"),
        ("arm(network='resnett')", "study mine, arm 'b': network is 'resnett'; it can be alexnet, resnet"),
        ("arm(network='alexnet', skip=True)", "study mine, arm 'b': factor 'skip' is unknown; it can be layout, "),
        ("arm(skip=True)", "study mine, claim mine: 'a' and 'b' are one and the same network and recipe"),
        ("design(width=Switch({'width': 8}, {}))", "study mine: arms 'skip + width' and 'skip' are one and the same"),
        ("design(more=Switch({'skip': True}, {}))", "mine.py: switches 'skip' and 'more' both set 'skip'"),
    ],
    ids=str,
)
def test_a_level_that_the_network_lacks_is_refused_with_the_study_the_arm_and_the_valid_ones(refuse, code, line):
    assert refuse(f"STUDY = {code}").startswith(line)


@pytest.mark.parametrize(
    "decorator, function, line",
    [
        ("network('x', size=32)", "skip=True", "network 'x': it needs a parameter `classes`, the number of outputs"),
        ("network('x', size=32)", "classes, skip", "network 'x', factor 'skip': its default is missing; it must be"),
        ("network('x', size=32)", "classes, *skip", "network 'x', factor 'skip': write each factor as a parameter"),
        (
            "network('x', size=32)",
            "classes, batch=8",
            "network 'x': a recipe or a table of trials uses the name of factor 'batch'",
        ),
        ("network('x', size=32)", "classes, a=float('nan')", "network 'x', factor 'a': its default is nan; it must be"),
        (
            "network('x', size=32)",
            "classes, a: Literal[1] = 2",
            "network 'x', factor 'a': its default is 2; it can be",
        ),
        ("network('x', size='32')", "classes", "network 'x': size is '32'; it must be a number between 1 and 4096"),
        (
            "network('x', size=224)",
            "classes",
            "network 'x': size is 224, and images are kept at 32 pixels: set",
        ),
        ("network('x', size=32, activations='relu')", "classes", "network 'x': activations is 'relu'; write a tuple"),
        ("network('resnet', size=32)", "classes", "network 'resnet' exists already: choose another name"),
        ("network('alexnet', size=32)", "classes", "network 'alexnet' exists already: choose another name"),
        ("activation('relu')", "config", "activation 'relu' exists already: choose another name"),
        ("optimizer('adam')", "*a", "optimiser 'adam' exists already: choose another name"),
        ("metric('accuracy')", "*a", "metric 'accuracy' exists already: choose another name"),
        (
            "activation('a@b')",
            "config",
            "activation 'a@b': a name is made of letters, digits, spaces, '_', '.' and '-'",
        ),
        ("activation", "config", "@activation lacks a name: write @activation('odd')"),
        ("optimizer", "*a", "@optimizer lacks a name: write @optimizer('odd')"),
        ("normalisation('x', place='last')", "*a", "normalisation 'x': place is 'last'; it can be 'pre-activation' or"),
        ("augmentation('x', normal_draws=-1)", "batch", "augmentation 'x': normal_draws is -1; it must be a number"),
        ("layout('x')", "", "layout 'x': its function returns NoneType; it must return a Layout"),
        ("metric('x', unit=3)", "*a", "metric 'x': 3 is no label or unit"),
    ],
    ids=str,
)
def test_a_component_that_cannot_be_declared_is_refused(refuse, decorator, function, line):
    code = f"@{decorator}\ndef odd({function}): ...\n\n\nSTUDY = study()"
    assert refuse(code).startswith(f"mine.py: {line}")


@pytest.mark.parametrize(
    "decorator, line",
    [
        ("network", "TypeError: network() missing 1 required keyword-only argument: 'size'"),
        ("activation()", "TypeError: activation() missing 1 required positional argument: 'name'"),
        ("activation('x', gian=2)", "TypeError: activation() got an unexpected keyword argument 'gian'"),
    ],
)
def test_a_wrong_argument_is_named_with_its_line(refuse, decorator, line):
    code = f"@{decorator}\ndef odd(config): ...\n\n\nSTUDY = study()"
    assert refuse(code) == f"mine.py is no valid study: mine.py, line {FILE.count(chr(10)) + 1}: {line}"


def test_a_component_is_a_function_or_a_class(refuse):
    assert refuse("activation('x')(3)") == "mine.py: activation 'x' is 3: it must be a function or a class"
