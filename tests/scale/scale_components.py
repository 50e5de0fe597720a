"""The components of docs/components.md on four machines of a Ray cluster and under torchrun: records of a local run."""

import subprocess

import pytest
from runs import assert_same_results
from scale_cluster import machines, temporary  # noqa: F401
from scale_torchrun import NOISY, TORCHRUN, finished
from test_components_page import write_files

SETTING = ["--data", "digits", "--profile", "smoke", "--device", "cpu", "--precision", "float32", "--seeds", "1"]


@pytest.fixture(scope="module")
def folder(command, environment, tmp_path_factory):
    """A folder with the study files, and the results of a local run in `local`."""
    folder = tmp_path_factory.mktemp("components")
    run(command, folder, environment, "local")
    return folder


def run(words, folder, environment, out, *options):
    line = [*words, "run", *write_files(folder), *SETTING, "--out", out, *options]
    process = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr


def test_four_machines_give_equal_records(command, environment, machines, folder):  # noqa: F811
    variables = environment | {"RAY_AUTH_MODE": "disabled"}
    run(command, folder, variables, "cluster", "--cluster", machines.address)
    assert_same_results(folder / "cluster", folder / "local")


def test_two_processes_of_torchrun_give_equal_records(command, environment, folder):
    run([*TORCHRUN, command[1]], folder, environment, "torchrun")
    single, double = finished(folder / "local"), finished(folder / "torchrun")
    assert single.keys() == double.keys()
    for name, record in single.items():
        assert double[name]["sources" if "sources" in record else "job"] == record.get("sources", record["job"])
        for ours, theirs in zip(record["points"], double[name]["points"], strict=True):
            measured = {k: v for k, v in ours["metrics"].items() if not k.startswith(NOISY)}
            their_metrics = {k: theirs["metrics"][k] for k in measured}
            if record["job"]["model"]["dropout"] and ours["epoch"]:
                continue  # each process draws its own masks
            assert their_metrics == pytest.approx(measured, rel=1e-2, abs=3e-3), record["job"]  # two of 896 images
