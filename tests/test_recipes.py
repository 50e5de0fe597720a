"""Every recipe of CONTRIBUTING.md, performed exactly as it is printed there, in a copy of the project."""

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = re.compile(r"(Append to|(?<!`)Create) `([\w/]+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)
SECTIONS = re.compile(r"^## Add an? (.+?)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
MOST_LINES = {
    "data set": 15,
    "metric": 10,
    "probe": 10,
    "study": 20,
}
STUDY = """
from ablations import Ask, Claim, Contrast, Study

CLAIMS = (
    {claim},
    Claim("gini-lower", "Tanh is sparser", (Contrast("sparsity/gini/mean", "tanh", "relu", margin=0.05),)),
    Claim("norm-lower", "Tanh has smaller weights", (Contrast("features/norm/fc6", "tanh", "relu", margin=1),)),
)
STUDY = Study(
    question="Does each recipe work?",
    claims=CLAIMS,
    base={{"dropout": 0.0, "batch": 16}},
    arms={{
        "relu": {{}},
        "tanh": {{"activation": "tanh"}},
    }},
    probes=(Ask("weight-norm", ("relu",)), Ask("weight-norm", ("tanh",))),
)
"""


def sections():
    return {name: text for name, text in SECTIONS.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project in which every recipe has been performed."""
    copy = tmp_path_factory.mktemp("project")
    for folder in ("bench", "ablations", "reports", "commands"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "ablate.py", copy)
    for text in sections().values():
        for verb, file, block in RECIPES.findall(text):
            before = (copy / file).read_text(encoding="utf-8") if verb == "Append to" else ""
            (copy / file).write_text(f"{before}\n\n{block}" if before else block, encoding="utf-8")
    return copy


@pytest.fixture(scope="module")
def run(project, tmp_path_factory, environment):
    """Records of a study that uses everything that the recipes add, on the data set that they add."""
    folder = tmp_path_factory.mktemp("run")
    claim = re.search(r"```python\n(Claim\(.*?\n\))\n```", sections()["claim"], re.DOTALL)[1]
    (folder / "recipes.py").write_text(STUDY.format(claim=claim.replace("\n", "\n    ")), encoding="utf-8")
    command = [sys.executable, str(project / "ablate.py"), "run", str(folder / "recipes.py"), "--data", "patches"]
    command += ["--profile", "smoke", "--device", "cpu", "--seeds", "1", "--out", str(folder / "out")]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
    assert process.returncode == 0, process.stderr + process.stdout
    records = [json.loads(file.read_text()) for file in (folder / "out/trials").glob("*.json")]
    assert all(record["status"] == "finished" for record in records)
    return folder / "out", records


def trials(records, arm):
    return [r for r in records if r["kind"] == "trial" and arm in r["tags"]["studies"]["recipes"]]


def test_every_kind_of_extension_has_a_recipe():
    assert sections().keys() == {*MOST_LINES, "claim", "component"}


@pytest.mark.parametrize("kind, max_lines", MOST_LINES.items())
def test_a_recipe_is_a_few_lines(kind, max_lines):
    blocks = [block for _, _, block in RECIPES.findall(sections()[kind])]
    assert 1 <= sum(len([line for line in block.splitlines() if line.strip()]) for block in blocks) <= max_lines


@pytest.mark.parametrize("kind", [kind for kind in MOST_LINES if kind != "probe"])
def test_a_recipe_changes_one_file(kind):
    assert len(RECIPES.findall(sections()[kind])) == 1


def test_the_copy_is_valid_python(project):
    for file in project.rglob("*.py"):
        ast.parse(file.read_text(encoding="utf-8"))


def test_the_new_data_set_is_in_the_records(run):
    (trial,) = trials(run[1], "relu")
    data = trial["data"]
    assert (data["name"], data["classes"], data["test"]) == ("patches of two photographs", ["temple", "flower"], 120)
    assert data["train"] + data["validation"] == 400


def test_the_new_metric_is_recorded_and_has_a_label_in_the_report(run):
    (trial,) = trials(run[1], "tanh")
    assert 0 < trial["points"][-1]["metrics"]["sparsity/gini/conv1"] < 1
    report = json.loads((run[0] / "reports/report.json").read_text())
    claims = {claim["id"]: claim for claim in report["claims"]}
    assert claims.keys() == {"tanh-better", "gini-lower", "norm-lower"}
    assert "Gini index, mean" in (run[0] / "reports/report.html").read_text()


def test_the_new_probe_answers(run):
    answers = [r for r in run[1] if r["kind"] == "probe"]
    assert len(answers) == 2
    assert all(sample["value"] > 0 for record in answers for sample in record["samples"])


def test_the_new_study_is_found(project, environment):
    command = [sys.executable, str(project / "ablate.py"), "list"]
    process = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=project)
    assert "smaller" in process.stdout and "pair-better" in process.stdout, process.stderr
