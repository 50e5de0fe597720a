"""Names made of markup, code and paths are plain text in MLflow: none is refused, lost, or leads anywhere."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.records import store
from bench.tracking import mlflow_client, mlflow_format
from bench.tracking.publisher import Publisher

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own

LONG = "pneumono" * 200
ALIKE = "<b>&</b>", '"b"&"/b"'  # equal after MLflow's invalid characters are replaced
NAMES = (
    "<script>alert(1)</script>",
    '#eval("1+1") #panic() @cite <label>',
    "$x^2$ \\frac{1} $unclosed_{",
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    "C:\\autoexec.bat",
    "\"quoted\" 'single' `code` '; DROP TABLE runs; --",
    "two\nlines",
    "{{ 7 * 7 }} %s {} &amp; ]]>",
    "emoji \N{GRINNING FACE}, \N{HEBREW LETTER SHIN}\N{RIGHT-TO-LEFT OVERRIDE}evil",
    "signs that act: \x1b[31m \x00",
    LONG,
    f"{LONG} and more",
    *ALIKE,
)


@pytest.fixture(scope="module")
def published(ran, tmp_path_factory):
    """Records of a trial for each name, which its study, arm and data set have, and of a timing with all as arms."""
    out, records = tmp_path_factory.mktemp("hostile") / "out", []
    out.mkdir()
    trial = next(record for record in store.read_all(ran.out) if record["kind"] == "trial")
    timing = next(record for record in store.read_all(ran.out) if record["kind"] == "timing")
    for number, name in enumerate(NAMES):
        data = trial["data"] | {"name": name, "note": name}
        tags = {"profiles": [name], "studies": {other: [name] for other in (*NAMES[:number], name)}}
        environment = trial["environment"] | {"device_name": name, "commit": name}
        records.append(trial | {"identity": f"{number:016x}", "data": data, "tags": tags, "environment": environment})
    samples = [{"arm": arm, "pair": 0, "metric": "time/ms", "value": float(n)} for n, arm in enumerate(NAMES)]
    records.append(timing | {"identity": "f" * 16, "samples": samples, "job": timing["job"] | {"subject": NAMES[0]}})
    records.append(records[-1] | {"identity": "e" * 16, "job": timing["job"] | {"subject": LONG}})
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        publisher = Publisher(out)
    for record in records:
        store.write(out, record)
        publisher.publish(record)
    (out / "report.html").write_text("<p>")
    for name in NAMES:
        publisher.publish_report(f"(smoke, {name})", [out / "report.html"])
    client = publisher.client
    runs = list(mlflow_client.find_runs(client, {e.name: e.experiment_id for e in client.search_experiments()}))
    return SimpleNamespace(
        out=out, records=records, client=client, runs={run.data.tags["identity"]: run for run in runs}
    )


def test_every_record_and_report_is_a_run_that_ended(published):
    reports = {f"report (smoke, {name})" for name in NAMES}
    assert published.runs.keys() >= {record["identity"] for record in published.records}
    assert len(published.runs) == len(published.records) + len(reports)
    assert {run.info.status for run in published.runs.values()} == {"FINISHED"}


def test_every_name_is_shown_unchanged(published):
    for name, record in zip(NAMES, published.records, strict=False):
        run = published.runs[record["identity"]]
        assert run.data.tags["profile"] == run.data.tags["data.note"] == name
        assert run.data.tags["environment.device_name"] == run.data.tags["environment.commit"] == name
        studies = [value for key, value in run.data.tags.items() if key.startswith("study.")]
        assert studies == [name] * len(record["tags"]["studies"])
        (data,) = run.inputs.dataset_inputs
        assert data.dataset.name == name[:200] and data.dataset.digest == record["data"]["digest"]
        experiment = published.client.get_experiment(run.info.experiment_id).name
        assert experiment == mlflow_format.experiment_name(record["data"]) and name[:200] in experiment


def test_every_arm_keeps_its_own_points(published):
    for identity in ("e" * 16, "f" * 16):
        run = published.runs[identity]
        points = [published.client.get_metric_history(run.info.run_id, name) for name in run.data.metrics]
        assert sorted(point.value for (point,) in points) == list(range(len(NAMES)))
        assert all(name.startswith("time/ms/") for name in run.data.metrics)
    assert published.runs["f" * 16].info.run_name == f"timing {NAMES[0]}"


def test_the_record_that_is_kept_with_a_run_is_whole(published, tmp_path):
    for record in published.records:
        run = published.runs[record["identity"]]
        (file,) = published.client.list_artifacts(run.info.run_id)
        fetched = published.client.download_artifacts(run.info.run_id, file.path, str(tmp_path))
        assert json.loads(Path(fetched).read_text(encoding="utf-8")) == record | {"checksum": store.checksum(record)}


def test_publishing_again_adds_nothing(published):
    publisher = Publisher(published.out)
    for record in published.records:
        publisher.publish(record)
    now = {
        run.data.tags["identity"]: run for run in mlflow_client.find_runs(publisher.client, publisher.experiment_ids)
    }
    assert {name: dict(run.data.tags) for name, run in now.items()} == {
        name: dict(run.data.tags) for name, run in published.runs.items()
    }


def test_no_name_makes_a_folder_and_no_file_lies_outside(published):
    assert sorted(os.listdir(published.out.parent)) == ["out"]
    assert set(os.listdir(published.out)) <= {"artifacts", "mlflow.db", "mlflow.lock", "report.html", "trials"}
    inside = [
        file.relative_to(published.out / "artifacts").parts for file in (published.out / "artifacts").rglob("*.*")
    ]
    assert len(inside) == len(published.runs)
    assert {parts[1] for parts in inside} == {"artifacts"} and {len(parts) for parts in inside} == {3}
