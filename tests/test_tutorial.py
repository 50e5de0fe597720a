"""docs/tutorial.md, followed as it is printed: its file is saved and its commands are run, at profile smoke."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
FILE, TEXT = re.search(r"Save as `(\w+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL).groups()
COMMANDS = re.findall(r"^\.venv/bin/ablate (\w+ my_resnet\.py .*)$", PAGE, re.MULTILINE)
MOST_LINES, SWITCHES = 60, ["shortcuts", "normalisation", "widening", "last-relu"]


def shorten(line):
    """Return a command that does what the page's does at profile smoke, on the digits, in the same folder."""
    return line.replace("quick", "smoke").replace("path/to/cifar10", "digits").removesuffix(" --out out-cifar10")


@pytest.fixture(scope="module")
def followed(command, environment, tmp_path_factory):
    """The folder in which the page's commands have run, each once after it was shortened, with one seed."""
    folder = tmp_path_factory.mktemp("tutorial")
    (folder / FILE).write_text(TEXT, encoding="utf-8")
    for line in dict.fromkeys(map(shorten, COMMANDS)):
        words = [*command, *shlex.split(line), "--device", "cpu", "--seeds", "1"]
        process = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
        assert process.returncode == 0, process.stderr + process.stdout
    return folder


def test_the_file_has_few_lines_and_the_page_the_commands_of_a_newcomer():
    assert len(TEXT.splitlines()) <= MOST_LINES
    assert [line.split()[0] for line in COMMANDS] == ["plan", "run", "run", "run"]


def test_each_switch_has_a_verdict_in_every_form_of_the_report(followed):
    report = json.loads((followed / "out/reports/report.json").read_text(encoding="utf-8"))
    assert [claim["id"] for claim in report["claims"]] == SWITCHES
    assert all(claim["verdict"] != "not run" for claim in report["claims"])
    html = (followed / "out/reports/report.html").read_text(encoding="utf-8")
    assert all(f"Shapley share of {name.replace('-relu', ' ReLU')}" in html for name in SWITCHES)
    assert "AlexNet" not in html
    assert (followed / "out/reports/report.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
def test_all_arms_are_in_mlflow(followed, monkeypatch):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{followed / 'out/mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if "arms" in e.name]
    runs = client.search_runs([experiment.experiment_id], max_results=100)
    assert len({run.info.run_name for run in runs}) == 18  # 16 arms and two controls
    assert {run.data.params["skip"] for run in runs} == {"True", "False"}
