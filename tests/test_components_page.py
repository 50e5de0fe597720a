"""The study files of docs/components.md, run as they are printed there."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import ablate

PAGE = Path(__file__).parents[1] / "docs" / "components.md"
FILES = re.compile(r"Save as `(\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
MOST_LINES = 25
TRAP = """
from pathlib import Path
from torch import nn
from ablations import Claim, Contrast, Study, activation

MARK = Path(__file__).with_name("executed")
MARK.touch()


@activation("trap")
def trap(config):
    MARK.touch()
    return nn.ReLU()


STUDY = Study(
    question="Is this file executed?",
    arms={"relu": {}, "trap": {"activation": "trap"}},
    claims=(Claim("trapped", "It is", (Contrast("test/accuracy", "trap", "relu", margin=1),)),),
)
"""


def write_files(folder):
    """Write the page's study files into a folder; return their names."""
    files = dict(FILES.findall(PAGE.read_text(encoding="utf-8")))
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


@pytest.fixture(scope="module")
def folder(command, environment, tmp_path_factory):
    """A folder in which the page's studies have run, and one with a component that leaves a mark."""
    folder = tmp_path_factory.mktemp("components")
    (folder / "trap.py").write_text(TRAP, encoding="utf-8")
    words = ["run", *write_files(folder), "trap.py", "--data", "digits", "--profile", "smoke", "--device", "cpu"]
    line = [*command, *words, "--seeds", "1"]
    process = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr + process.stdout
    return folder


@pytest.fixture(scope="module")
def records(folder):
    records = [json.loads(file.read_text()) for file in (folder / "out/trials").glob("*.json")]
    assert all(record["status"] == "finished" for record in records)
    return records


def find_trial(records, study, arm):
    (trial,) = [r for r in records if arm in r["tags"]["studies"].get(study, []) and r["kind"] == "trial"]
    return trial


def test_a_component_takes_a_file_of_a_few_lines():
    files = dict(FILES.findall(PAGE.read_text(encoding="utf-8")))
    assert len(files) == 5
    for text in files.values():
        assert len([line for line in text.splitlines() if line.strip()]) <= MOST_LINES


@pytest.mark.parametrize(
    "study, arm, field, text",
    [("gelu", "gelu", "activation", "GELU("), ("group_norm", "group", "normalisation", "GroupNorm(1, 6, ")],
)
def test_a_component_stands_in_the_network(records, study, arm, field, text):
    trial = find_trial(records, study, arm)
    assert trial["network"]["layers"][0][field].startswith(text)
    (name,) = trial["sources"]
    assert trial["job"]["model"][field] == name and f"{arm}@" in name


def test_the_layout_has_its_own_sizes(records):
    outputs = {row["name"]: row["output"] for row in find_trial(records, "vgg", "vgg")["network"]["layers"]}
    assert outputs["conv2b"] == [32, 16, 16] and outputs["conv4b"] == [64, 8, 8] and outputs["fc7"] == [256]


def test_the_augmentation_trains_otherwise(records):
    none, brightness = (find_trial(records, "noise", arm)["points"] for arm in ("none", "brightness"))
    assert none[0]["metrics"] == brightness[0]["metrics"]
    assert none[-1]["metrics"]["batch/loss"] != brightness[-1]["metrics"]["batch/loss"]


def test_the_metric_is_recorded_in_all_arms_of_its_study_and_in_no_other(records):
    for arm in ("p = 0", "p = 0.5", "again", "shuffled labels"):
        assert 0 < find_trial(records, "brier", arm)["points"][-1]["metrics"]["test/brier"] < 2
    assert "test/brier" not in find_trial(records, "gelu", "relu")["points"][-1]["metrics"]


def test_arms_without_components_are_shared_by_the_studies(records):
    studies = find_trial(records, "gelu", "relu")["tags"]["studies"]
    assert studies.keys() == {"gelu", "group_norm", "noise", "vgg", "trap"}


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
def test_a_foreign_folder_archive_or_server_is_reported_on_without_executing_a_component(
    folder, tmp_path, monkeypatch, capsys
):
    (folder / "executed").unlink()
    monkeypatch.setattr(os, "getuid", lambda: 12345)  # somebody else's
    verdicts = folder / "out/reports/report.json"
    assert ablate.main(["export", str(tmp_path / "records.zip"), "--out", str(folder / "out")]) == 0
    assert ablate.main(["import", str(tmp_path / "records.zip"), "--out", str(tmp_path / "archive")]) == 0
    address = f"sqlite:///{folder / 'out/mlflow.db'}"
    assert ablate.main(["import", address, "--out", str(tmp_path / "server")]) == 0
    for out in (folder / "out", tmp_path / "archive", tmp_path / "server"):
        assert ablate.main(["report", "--check", str(verdicts), "--out", str(out)]) == 0
        assert "trap are reported as they were declared" in " ".join(capsys.readouterr().out.split())
    assert not (folder / "executed").exists()
    assert ablate.main(["report", str(folder / "trap.py"), "--out", str(tmp_path / "archive")]) == 0
    assert (folder / "executed").exists(), "a file that the user names is executed"
