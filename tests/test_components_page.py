"""The study files of docs/components.md, run as they are printed there."""

import json
import re
import subprocess
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "components.md"
FILES = re.compile(r"Save as `(\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
MOST_LINES = 25


def write_files(folder):
    """Write the page's study files into a folder; return their names."""
    files = dict(FILES.findall(PAGE.read_text(encoding="utf-8")))
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return list(files)


@pytest.fixture(scope="module")
def records(command, environment, tmp_path_factory):
    folder = tmp_path_factory.mktemp("components")
    words = ["run", *write_files(folder), "--data", "digits", "--profile", "smoke", "--device", "cpu", "--seeds", "1"]
    process = subprocess.run([*command, *words], cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr + process.stdout
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
    assert studies.keys() == {"gelu", "group_norm", "noise", "vgg"}
