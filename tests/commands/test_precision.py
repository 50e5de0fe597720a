"""Both precisions in one folder."""

import json
import shutil
from collections import Counter

from bench.records import store
from bench.system.devices import choose_precision


def precisions(out):
    return Counter(record["job"]["precision"] for record in store.read_all(out) if record["kind"] == "trial")


def test_records_of_both_precisions_share_a_folder_and_no_report_mixes_them(ablate, smoke, tmp_path):
    """The first run's precision is that of this processor; the next run asks for the other one."""
    out = tmp_path / "out"
    shutil.copytree(smoke.out, out, ignore=shutil.ignore_patterns("mlflow*", "artifacts"))
    (own,) = precisions(out)
    other = "float32" if own == "bfloat16" else "bfloat16"
    own_report = (out / "reports" / "report.json").read_bytes()
    command = "run", *smoke.arguments, "--out", out
    second = ablate(*command, "--precision", other, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert second.returncode == 0, second.stdout + second.stderr
    assert f"device cpu, {other}" in second.stdout and precisions(out) == {own: 8, other: 8}
    assert json.loads((out / "run.json").read_text())["precision"] == other
    rows = (out / "reports" / "trials.csv").read_text().splitlines()
    identities = {record["identity"]: record["job"]["precision"] for record in store.read_all(out)}
    assert {identities[name] for name in identities if any(name in row for row in rows)} == {other}
    # the settings of the first run give its report again, from a folder that holds both
    again = ablate(*command, "--precision", own, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert again.returncode == 0 and "8 of 8 jobs are done already" in again.stdout
    assert (out / "reports" / "report.json").read_bytes() == own_report


def test_a_processor_without_units_for_bfloat16_takes_float32(monkeypatch):
    monkeypatch.setenv("ABLATE_BFLOAT16", "0")
    assert choose_precision("auto", "cpu") == "float32"
