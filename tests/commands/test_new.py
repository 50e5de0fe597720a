"""`ablate new`: a first study over a network's declared factors, or over AlexNet's."""

import subprocess
import sys

import pytest

import ablate
from ablations import Contrast, Setting
from ablations.framework.discovery import find_studies
from ablations.framework.expand import expand_study
from ablations.framework.profiles import PROFILES
from bench.spec.config import DataConfig
from bench.spec.jobs import Trial

SETTING = Setting(PROFILES["smoke"], DataConfig("0123456789abcdef", classes=10, train=100))
NETWORK = """
from typing import Literal

from torch import nn


def build(
    classes: int,
    skip: bool = True,
    wide=False,
    norm: Literal["batch", "group", "none"] = "batch",
    the_last_activation_of_the_network: Literal["relu", "identity"] = "relu",
    width: int = 8,
    only: Literal["one"] = "one",
):
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, classes))


{functions}
"""
DECLARED = """
from ablations import network


@network("my net", size=28)
def build(classes, skip=True): ...
"""
FACTORS = {2: "full_factorial", 4: "full_factorial", 5: "half_fraction", 1: "leave_one_out", 6: "leave_one_out"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with modules: `mynet`, whose `of_<n>` has n switches, and `declared`, which declares its network."""
    functions = "\n\n".join(
        f"def of_{n}(classes, {', '.join(f'f{i}=True' for i in range(n))}):\n    return build(classes)" for n in FACTORS
    )
    (tmp_path / "mynet.py").write_text(NETWORK.format(functions=functions))
    (tmp_path / "declared.py").write_text(DECLARED)
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "aardvark.py").write_text("def build(classes, skip=True, wide=False): ...\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path, str(tmp_path / "installed")])
    monkeypatch.setattr("sys.argv", ["ablate"])
    return tmp_path


def write(*arguments):
    """Write a study by the command; return its text, the study and the model of each arm."""
    assert ablate.main(["new", "my study.py", *arguments]) == 0
    (study,) = find_studies(["my study.py"])
    trials = {place.arm: place.job for place in expand_study(study, SETTING) if isinstance(place.job, Trial)}
    with open("my study.py", encoding="utf-8") as file:
        return file.read(), study, {arm: trial.model for arm, trial in trials.items()}


def test_each_factor_with_two_levels_becomes_a_switch_and_a_claim(folder, capsys):
    text, study, models = write("--network", "mynet:build", "--size", "24")
    assert [claim.sentence.removesuffix(" raises test accuracy") for claim in study.claims] == [
        *("Skip", "Wide", "Batch norm", "Relu the last activation of the network")
    ]
    assert study.claims[0].stated == (Contrast("test/accuracy", "main effect of skip", 0.0, margin=0.5),)
    assert len(study.arms) == 16 and study.components[0].size == 24
    levels = {"skip": True, "wide": True, "norm": "batch", "width": 8, "only": "one"}
    baseline = dict(models[study.baseline].factors)
    assert baseline == levels | {"the_last_activation_of_the_network": "relu"}
    assert dict(models["none of them"].factors)["norm"] == "group" and ',  # or "none"\n' in text
    assert '    # "8 width": Switch(on={"width": 8}, off={"width": 16}),  # for a switch choose two levels\n' in text
    assert "my study.py: 4 claims over 16 arms." in (output := capsys.readouterr().out)
    assert "  ablate run 'my study.py' --profile smoke  #" in output


@pytest.mark.parametrize("switches, design", FACTORS.items())
def test_the_design_suits_the_number_of_switches(folder, switches, design):
    text, study, _ = write("--network", f"mynet:of_{switches}")
    assert f"**designs.{design}(" in text and len(study.claims) == switches
    assert bool(study.seeds) == (len(study.arms) >= 16)


def test_a_network_that_its_module_declares_is_not_declared_again(folder):
    text, study, models = write("--network", "declared:build", "--design", "add-one-in")
    assert "network(" not in text and "import declared  # noqa: F401" in text and "**designs.add_one_in(" in text
    assert [(part.name, part.size) for part in study.components] == [("my net", 28)]
    assert list(models) == ["none of them", "skip", "again", "shuffled labels"]


def test_names_that_the_file_uses_itself_and_alexnet_are_avoided(folder):
    (folder / "network.py").write_text("def network(classes, skip=True): ...\n\n\nalexnet = network\n")
    text, _, models = write("--network", "network:network")
    assert "from network import network as make_network\n" in text
    (folder / "my study.py").unlink()
    _, _, models = write("--network", "network:alexnet")
    assert models["all of them"].network.startswith("own alexnet@")


def test_an_installed_module_is_imported_beside_ours(folder):
    text, study, _ = write("--network", "aardvark:build")
    assert "from aardvark import build\nfrom ablations import Study, Switch, designs, network\n" in text
    assert len(study.arms) == 4


def test_without_a_network_the_study_is_of_alexnet(folder):
    text, study, models = write()
    assert len(study.arms) == 8 and models[study.baseline].dropout == 0.5
    assert models["dropout + augmentation"].without == ("fc7",)
    assert len(text.splitlines()) <= 40


@pytest.mark.parametrize(
    "arguments", [(), *(("--network", f"{name}:build") for name in ("mynet", "aardvark"))], ids=str
)
def test_the_file_is_formatted_as_ruff_does(folder, arguments):
    write(*arguments)
    for command in (["format", "--check"], ["check", "--select", "E4,E7,E9,F,I"]):
        process = subprocess.run([sys.executable, "-m", "ruff", *command, "--isolated", "my study.py"])
        assert process.returncode == 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["mine.txt"], "mine.txt: a study file ends in .py"),
        (["mynet.py"], "mynet.py exists already: choose another name"),
        ([f"{'x' * 300}.py"], "x.py cannot be written (File name too long): choose another name or folder"),
        (["nowhere/mine.py"], "folder nowhere not found: create it first"),
        (["mine.py", "--size", "32"], "--size is the size of a network's input: name the network with --network"),
        (["mine.py", "--network", "mynet"], "--network is 'mynet': expected MODULE:FUNCTION, such as mynet:build"),
        (["mine.py", "--network", "absent.part:build"], "module absent not found in "),
        (["json.py", "--network", "json:loads"], "json.py would hide the module json: choose another name"),
        (["mine.py", "--network", "mynet:biuld"], "module mynet has no function 'biuld'; it has build, of_2"),
        (["mine.py", "--network", "math:sqrt"], "math:sqrt: it needs a parameter `classes`, the number of outputs"),
        (
            ["mine.py", "--network", "failing:build"],
            "cannot be imported: failing.py, line 2: ZeroDivisionError",
        ),
        (
            ["mine.py", "--network", "broken:build"],
            "cannot be imported: broken.py, line 1, column 5: SyntaxError",
        ),
        (["mine.py", "--network", "needy:build"], "needy.py, line 1: ModuleNotFoundError: No module named 'absent'"),
        (
            ["mine.py", "--network", "leaving:build"],
            "cannot be imported: leaving.py, line 1: SystemExit",
        ),
        (
            ["mine.py", "--network", "fixed:build"],
            "network 'build' has no factor with two levels: annotate",
        ),
        (
            ["mine.py", "--network", "declared:build", "--size", "28"],
            "is declared with size 28 in its module",
        ),
        (["mine.py", "--network", "mynet:build", "--size", "0"], "mine.py: network 'build': size is 0"),
        (
            ["mine.py", "--network", "mynet:of_2", "--design", "half-fraction"],
            "needs 3 to 11 switches",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_written_is_refused_in_one_line(folder, capsys, arguments, message):
    codes = {"failing": "x = 1\nx / 0", "broken": "x = (", "needy": "import absent", "leaving": "exit(0)"}
    for name, code in {**codes, "fixed": "def build(classes, width=3): ..."}.items():
        (folder / f"{name}.py").write_text(f"{code}\n")
    before = sorted(folder.iterdir())
    assert ablate.main(["new", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line and sorted(folder.iterdir()) == before
