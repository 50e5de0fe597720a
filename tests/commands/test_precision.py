"""Both precisions in one folder."""

import json
import shutil
from collections import Counter

from bench.records import store


def precisions(out):
    return Counter(record["job"]["precision"] for record in store.read_all(out) if record["kind"] == "trial")


def test_records_of_both_precisions_share_a_folder_and_no_report_mixes_them(ablate, smoke, tmp_path):
    """One run pretends that the processor has no units for bfloat16; the next one asks for bfloat16."""
    out = tmp_path / "out"
    shutil.copytree(smoke.out / "cache", out / "cache")
    command = "run", *smoke.arguments, "--out", out
    first = ablate(*command, ABLATE_BFLOAT16="0", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "device cpu, float32" in first.stdout and precisions(out) == {"float32": 8}
    assert json.loads((out / "run.json").read_text())["precision"] == "float32"
    float32_report = (out / "reports" / "report.json").read_bytes()
    second = ablate(*command, "--precision", "bfloat16", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "device cpu, bfloat16" in second.stdout and precisions(out) == {"float32": 8, "bfloat16": 8}
    rows = (out / "reports" / "trials.csv").read_text().splitlines()
    identities = {record["identity"]: record["job"]["precision"] for record in store.read_all(out)}
    assert {identities[name] for name in identities if any(name in row for row in rows)} == {"bfloat16"}
    # the settings of the first run give its report again, from a folder that holds both
    again = ablate(*command, "--precision", "float32", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert again.returncode == 0 and "8 of 8 jobs are done already" in again.stdout
    assert (out / "reports" / "report.json").read_bytes() == float32_report
