"""Twenty edits of a study file, and the arms whose jobs each makes new."""

import pytest

from ablations.framework.discovery import find_studies
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES, Setting
from bench.spec.config import DataConfig
from bench.spec.errors import InputError
from bench.spec.jobs import identity

HELPER = '''"""A module beside the study."""

SLOPE = 0.2  # of the leak


def leak(slope):
    """A leaky module."""
    from torch import nn

    return nn.LeakyReLU(slope)
'''
OTHER = "UNUSED = 1\n"
FILE = '''"""Five components."""

import math

import other_module
from helper import SLOPE, leak
from torch import nn

from ablations import (
    Claim, Contrast, Conv, Layout, Study, activation, augmentation, layout, metric, network, normalisation
)

GROUPS = 4
MARGIN = 0.5 * other_module.UNUSED


class Scale(nn.Module):
    """A constant factor."""

    factor = 1.0

    def forward(self, x):
        return self.factor * x


Scale.factor = 0.5


@activation("leaky", gain=math.sqrt(2))
def leaky(config):
    """A leaky rectifier."""
    return leak(SLOPE)


@activation("half")
def half(config):
    return Scale()  # half of the input


@normalisation("group")
def group(channels, dimensions):
    return nn.GroupNorm(1 if channels % GROUPS else GROUPS, channels)


@augmentation("noise", normal_draws=1)
def noise(batch):
    from bench.components.augmentations import none

    return none(batch) + 0.1 * batch.draws[:, -1, None, None, None]


@layout("vgg")
def vgg():
    return Layout(32, 4, (Conv("conv1", 16), Conv("conv2", 16, pool=True)), (64,), pool=(2, 2))


STUDY = Study(
    question="Which of them helps?",
    arms={
        "plain": {},
        "leaky": {"activation": "leaky"},
        "half": {"activation": "half"},
        "group": {"normalisation": "group"},
        "noise": {"augmentation": "noise"},
        "vgg": {"layout": "vgg"},
    },
    claims=(Claim("leaky-helps", "It helps", (Contrast("test/accuracy", "leaky", "plain", margin=MARGIN),)),),
)
'''
IMPORTS = "import other_module\nfrom helper import SLOPE, leak\nfrom torch import nn\n"
IMPORTS_IN_ANOTHER_ORDER = "from torch import nn\nfrom helper import leak, SLOPE\nimport other_module\n"
NONE: set[str] = set()
SETTING = Setting(PROFILES["smoke"], DataConfig("0123456789abcdef", 10, 1000))


def identities(folder, file=FILE, helper=HELPER, other=OTHER):
    """Identities of each arm's trials, with files of these texts."""
    for name, text in (("study.py", file), ("helper.py", helper), ("other_module.py", other)):
        (folder / name).write_text(text)
    (study,) = find_studies([str(folder / "study.py")])
    arms: dict[str, list[str]] = {}
    for place in expand_study(study, SETTING):
        arms.setdefault(place.arm, []).append(identity(place.job))
    return arms


def edited(text, old, new):
    assert text.count(old) == 1, old
    return text.replace(old, new)


EDITS = [
    ("a comment", "  # half of the input", "  # of the input, half", NONE),
    ("a docstring", '"""A leaky rectifier."""', '"""Of Maas et al. 2013."""', NONE),
    ("a docstring of a class", '"""A constant factor."""', '"""A factor."""', NONE),
    ("the docstring of the file", '"""Five components."""', "", NONE),
    ("blank lines", "GROUPS = 4\n", "\n\nGROUPS = 4\n\n", NONE),
    ("brackets", "return self.factor * x", "return (\n            self.factor * x\n        )", NONE),
    ("a margin", "MARGIN = 0.5", "MARGIN = 1.0", NONE),
    ("a sentence", '"It helps"', '"It helps much"', NONE),
    ("an arm less", '        "half": {"activation": "half"},\n', "", {"half"}),
    ("a new component", "STUDY =", '@activation("new")\ndef new(config):\n    return nn.Tanh()\n\n\nSTUDY =', NONE),
    ("a number in a body", "return leak(SLOPE)", "return leak(SLOPE / 2)", {"leaky"}),
    ("an argument of a decorator", "gain=math.sqrt(2)", "gain=math.sqrt(3)", {"leaky"}),
    ("a constant that a component uses", "GROUPS = 4", "GROUPS = 2", {"group"}),
    ("a method of a class that a component uses", "self.factor * x", "x * self.factor", {"half"}),
    ("an assignment to such a class", "Scale.factor = 0.5", "Scale.factor = 0.25", {"half"}),
    ("an augmentation", "0.1 * batch", "0.2 * batch", {"noise"}),
    ("draws of an augmentation", "normal_draws=1", "normal_draws=2", {"noise"}),
    ("a layout", 'Conv("conv1", 16)', 'Conv("conv1", 24)', {"vgg"}),
    ("the order of imports", IMPORTS, IMPORTS_IN_ANOTHER_ORDER, NONE),
    ("another name from a library", "    Claim, Contrast,", "    Claim, Exact, Contrast,", NONE),
]


def test_there_are_twenty_edits():
    assert len(EDITS) == 20


@pytest.mark.parametrize("old, new, expected", [edit[1:] for edit in EDITS], ids=[edit[0] for edit in EDITS])
def test_an_edit_trains_again_the_arms_whose_code_it_changes(tmp_path, old, new, expected):
    before, after = identities(tmp_path), identities(tmp_path, edited(FILE, old, new))
    assert {arm for arm in before if before[arm] != after.get(arm)} == expected
    assert before.keys() - after.keys() <= {"half"}
    assert identities(tmp_path) == before


@pytest.mark.parametrize(
    "texts, expected",
    [
        ({"helper": edited(HELPER, "0.2  # of the leak", "0.2")}, NONE),
        ({"helper": edited(HELPER, "SLOPE = 0.2", "SLOPE = 0.3")}, {"leaky"}),
        ({"other": "UNUSED = 2\n"}, NONE),
    ],
    ids=["a comment", "a constant", "a module that no component uses"],
)
def test_an_edit_of_a_module_beside_the_study_counts_where_it_is_used(tmp_path, texts, expected):
    before, after = identities(tmp_path), identities(tmp_path, **texts)
    assert {arm for arm in before if before[arm] != after[arm]} == expected


def test_a_metric_belongs_to_all_arms_of_its_study(tmp_path):
    code = '@metric("brier")\ndef brier(network, images, labels):\n    return labels * 0.0\n\n\nSTUDY ='
    before = identities(tmp_path)
    after = identities(tmp_path, edited(FILE, "STUDY =", code))
    assert all(before[arm] != after[arm] for arm in before)


def test_arms_without_components_share_their_jobs_with_other_studies(tmp_path):
    (relu,) = find_studies(["relu"])
    jobs = {identity(place.job) for place in expand_study(relu, SETTING) if place.arm == "relu"}
    assert set(identities(tmp_path)["plain"]) < jobs  # `relu` has a probe, too


def test_two_studies_cannot_show_metrics_of_one_name_differently(tmp_path):
    text = """
from ablations import Study, metric

@metric("brier", factor=FACTOR)
def brier(network, images, labels):
    return labels * VALUE

STUDY = Study("?", ())
"""
    files = [str(tmp_path / f"{name}.py") for name in ("one", "two", "three")]
    for file, factor, value in zip(files, ("1.0", "1.0", "100.0"), ("0.0", "1.0", "0.0"), strict=True):
        with open(file, "w", encoding="utf-8") as opened:
            opened.write(text.replace("FACTOR", factor).replace("VALUE", value))
    assert len(find_studies(files[:2])) == 2
    with pytest.raises(InputError, match=r"studies two and three declare metric 'brier' differently .*: rename one"):
        find_studies(files[1:])
