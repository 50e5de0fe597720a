import dataclasses
import json
import shutil
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from filelock import FileLock
from publishing import publish_all

from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.tracking import artifact_download, mlflow_client, mlflow_format
from bench.tracking.publisher import Publisher, is_same_measurement

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own

UNUSUAL = "p = 0.5 (50 %), 'é' @ [w/ LRN]: #1!"


@pytest.fixture(scope="module")
def published(ran, tmp_path_factory):
    """The records of `ran`, tagged and twice published into a fresh database."""
    out = tmp_path_factory.mktemp("published")
    shutil.copytree(store.folder(ran.out), store.folder(out))
    for record in store.read_all(out):
        store.add_tags(out, record["identity"], "smoke", [("my study", UNUSUAL), ("relu", "relu"), ("relu", "again")])
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        first = publish_all(out)
        first_runs = runs(first)
        second = publish_all(out)
    return SimpleNamespace(out=out, records=store.read_all(out), publisher=second, once=first_runs, twice=runs(second))


def runs(publisher):
    """The runs of the publisher's experiments as plain values, by identity, with each metric's history."""
    client = publisher.client
    return {
        run.data.tags["identity"]: {
            "status": run.info.status,
            "started": run.info.start_time,
            "ended": run.info.end_time,
            "name": run.info.run_name,
            "params": run.data.params,
            "tags": {k: v for k, v in run.data.tags.items() if not k.startswith("mlflow.")},
            "points": {
                name: sorted((m.timestamp, m.step, m.value) for m in client.get_metric_history(run.info.run_id, name))
                for name in run.data.metrics
            },
            "data": [(i.dataset.name, i.dataset.digest) for i in run.inputs.dataset_inputs],
            "artifacts": sorted(file.path for file in client.list_artifacts(run.info.run_id)),
        }
        for run in client.search_runs(list(publisher.experiment_ids.values()))
    }


def trials(published):
    return [record for record in published.records if record["kind"] == "trial"]


def test_each_record_is_one_finished_run(published):
    assert set(published.once) == {record["identity"] for record in published.records}
    assert {run["status"] for run in published.once.values()} == {"FINISHED"}


def test_trials_have_an_experiment_of_their_own(published):
    digest = trials(published)[0]["data"]["digest"][:6]
    experiment = published.publisher.experiment_ids[f"AlexNet ablations: digits (scikit-learn) [{digest}]"]
    experiment_runs = published.publisher.client.search_runs([experiment])
    assert {run.data.tags["kind"] for run in experiment_runs} == {"trial"}
    assert len(experiment_runs) == len(trials(published))


def test_a_trials_factors_are_params(published):
    for record in trials(published):
        params = published.once[record["identity"]]["params"]
        assert params["activation"] == record["job"]["model"]["activation"]
        assert params["augmentation"] == "both"
        assert params["dropout"] == "0.5"
        assert params["seed"] == str(record["job"]["seed"])
        assert params["without"] == "none"


def test_runs_grouped_by_variant_are_the_seeds_of_an_arm(published):
    groups = {}
    for record in trials(published):
        run = published.once[record["identity"]]
        groups.setdefault(run["tags"]["variant"], set()).add((run["params"]["activation"], run["params"]["seed"]))
        assert "variant" not in run["params"]
    assert sorted(map(sorted, groups.values())) == [
        [("relu", "0"), ("relu", "1")],
        [("tanh", "0"), ("tanh", "1")],
    ]
    assert "layout=document, dropout=0.5, augmentation=both (2 epochs of 260, width 0.0625)" in groups


def test_a_longer_budget_is_another_variant():
    def variant(**recipe):
        return mlflow_format.variant_name(
            dataclasses.asdict(Trial(ModelConfig(), TrainConfig(**recipe), DataConfig("d", 10, train=1000), 0))
        )

    assert variant(epochs=4, share=0.5) == "baseline (4 epochs of 500, width 1)"
    assert variant(epochs=8, share=0.5) != variant(epochs=4, share=0.5)


def test_records_of_another_data_set_go_to_its_own_experiment(published, tmp_path):
    record = trials(published)[0]
    publisher = Publisher(tmp_path)
    for name, identity in (("one", "a" * 16), ("two", "b" * 16)):
        store.write(tmp_path, {**record, "identity": identity, "data": {**record["data"], "name": name}})
        publisher.publish(store.read(tmp_path, identity))
    digest = record["data"]["digest"][:6]
    assert {name for name in publisher.experiment_ids if name != "Default"} == {
        f"AlexNet ablations{kind} {name} [{digest}]" for kind in (":", ", arms on") for name in ("one", "two")
    }


def test_tags_hold_studies_profiles_and_environment(published):
    for record in published.records:
        tags = published.once[record["identity"]]["tags"]
        assert tags["identity"] == record["identity"]
        assert (tags["kind"], tags["status"], tags["profile"]) == (record["kind"], "finished", "smoke")
        assert tags["device"] == "cpu"
        assert tags["environment.torch"] == record["environment"]["torch"]
        assert tags["environment.threads"] == "1"
        assert tags["study.relu"] == "relu, again"
        assert tags["study.my study"] == UNUSUAL


def test_every_point_keeps_the_records_own_time_and_epoch(published):
    for record in trials(published):
        expected = {}
        for point in record["points"]:
            for name, value in point["metrics"].items():
                expected.setdefault(name, []).append((int(point["time"] * 1e3), point["epoch"], value))
        points = published.once[record["identity"]]["points"]
        assert {name: points[name] for name in expected} == {
            name: sorted(history) for name, history in expected.items()
        }


def test_a_run_starts_and_ends_when_its_job_did(published):
    for record in published.records:
        run = published.once[record["identity"]]
        assert (run["started"], run["ended"]) == (int(record["started"] * 1e3), int(record["ended"] * 1e3))


def test_samples_of_timings_and_probes_are_metrics_by_round(published):
    for record in published.records:
        if record["kind"] in ("timing", "probe"):
            points = published.once[record["identity"]]["points"]
            points_by_round = sorted((step, value) for history in points.values() for _, step, value in history)
            assert points_by_round == sorted((sample["pair"], sample["value"]) for sample in record["samples"])


def test_the_totals_of_a_count_are_metrics(published):
    (record,) = (record for record in published.records if record["kind"] == "count")
    points = published.once[record["identity"]]["points"]
    assert points["parameters/total"][0][2] == record["network"]["parameters"]
    assert points["macs/total"][0][2] == record["network"]["macs"]


def test_a_trials_data_set_is_its_input(published):
    for record in trials(published):
        assert published.once[record["identity"]]["data"] == [("digits (scikit-learn)", record["data"]["digest"])]


def test_the_record_and_kept_weights_are_artifacts(published):
    for record in published.records:
        name = record["identity"]
        expected = [f"{name}.json"] + [f"{name}.safetensors"] * store.weights_file(published.out, name).exists()
        assert published.once[name]["artifacts"] == expected
    run_id = published.publisher.runs[trials(published)[0]["identity"]].info.run_id
    file = published.publisher.client.download_artifacts(run_id, f"{trials(published)[0]['identity']}.json")
    with open(file) as artifact:
        assert json.load(artifact) == trials(published)[0]


def test_publishing_twice_adds_nothing(published):
    assert published.twice == published.once


def test_a_new_tag_is_added_to_an_existing_run(published):
    publisher, record = publish_all(published.out), trials(published)[0] | {"identity": "tagged later"}
    publisher.publish(record)
    publisher.publish(record | {"tags": {"profiles": ["quick", "smoke"], "studies": {"later": [""]}}})
    run = runs(publisher)["tagged later"]
    assert (run["tags"]["profile"], run["tags"]["study.later"]) == ("quick, smoke", "yes")
    assert run["points"] == published.once[trials(published)[0]["identity"]]["points"]


def test_a_run_that_an_earlier_attempt_left_is_completed(published):
    first, record = Publisher(published.out), trials(published)[0] | {"identity": "left unfinished"}
    run = first.client.create_run(
        first._experiment_id(mlflow_format.experiment_name(record["data"])),
        int(record["started"] * 1e3),
        mlflow_format.tags(record),
        mlflow_format.run_name(record),
    )
    points = [mlflow_client.Metric(*point) for point in mlflow_format.metrics(record)]
    first.client.log_batch(run.info.run_id, metrics=points[: len(points) // 2])
    first.client.log_batch(run.info.run_id, params=[mlflow_client.Param("seed", str(record["job"]["seed"]))])

    second = Publisher(published.out)
    second.publish(record)
    run, complete_run = runs(second)["left unfinished"], published.once[trials(published)[0]["identity"]]
    for field in ("status", "started", "ended", "name", "params", "points", "data"):
        assert run[field] == complete_run[field]


def remeasured(record):
    """The record of a measurement an hour later, of another value."""
    later = {"started": record["started"] + 3600, "ended": record["ended"] + 3600}
    samples = [{**sample, "value": sample["value"] + 1} for sample in record["samples"]]
    return record | later | {"fit": True, "samples": samples}


@pytest.mark.parametrize("half", [False, True], ids=["whole", "half published"])
def test_a_job_that_was_measured_again_is_one_run_of_the_new_points(published, tmp_path, half):
    unfit = next(record for record in published.records if record["kind"] == "timing") | {"fit": False}
    store.write(tmp_path, unfit)
    publisher = publish_all(tmp_path)
    if half:
        publisher.client.update_run(publisher.runs[unfit["identity"]].info.run_id, status="RUNNING")
    second_machine = Publisher(tmp_path)
    store.write(tmp_path, remeasured(unfit))
    publisher.publish(remeasured(unfit))
    second_machine.publish(remeasured(unfit))  # it does not know yet that the run was replaced
    (run,) = runs(second_machine).values()
    values = sorted(value for points in run["points"].values() for _, _, value in points)
    assert values == sorted(sample["value"] for sample in remeasured(unfit)["samples"])
    assert (run["status"], run["ended"]) == ("FINISHED", int(remeasured(unfit)["ended"] * 1e3))
    (file,) = artifact_download.download_artifacts(
        mlflow_client.tracking_uri(tmp_path), tmp_path, lambda name: name.endswith(".json")
    )
    assert json.loads(file.read_text())["fit"]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The address of a database that machines share."""
    return f"sqlite:///{tmp_path_factory.mktemp('shared')}/server.db"


@pytest.fixture
def machine(shared, tmp_path, monkeypatch):
    """Return a function that makes the publisher of a machine with one record."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared)
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts

    def make_publisher(name, record):
        store.write(tmp_path / name, record)
        return Publisher(tmp_path / name)

    return make_publisher


def measured(record, seconds, identity, **fields):
    """The record of a measurement by another machine that started some seconds later."""
    data = record["data"] | {"name": identity}  # and so an experiment of its own
    times = {name: record[name] + seconds for name in ("started", "ended")}
    return record | times | {"identity": identity, "data": data} | fields


@pytest.mark.parametrize("seconds", [-60, 0, 60])
@pytest.mark.parametrize("when", ["create_experiment", "create_run", "log_inputs", "set_terminated"])
def test_two_machines_that_publish_at_once_leave_one_run_of_the_later_measurement(
    published, machine, monkeypatch, when, seconds
):
    identity = f"{when} {seconds}"
    first, second = (measured(trials(published)[0], later, identity) for later in (0, seconds))
    first_machine, second_machine = machine("one", first), machine("other", second)
    call, coming = getattr(first_machine.client, when), [second]

    def interrupted(*arguments, **options):
        while coming:
            second_machine.publish(coming.pop())
        return call(*arguments, **options)

    monkeypatch.setattr(first_machine.client, when, interrupted)
    first_machine.publish(first)
    assert not coming
    job_runs = [
        run
        for run in mlflow_client.find_runs(first_machine.client, first_machine.experiment_ids)
        if run.data.tags["identity"] == identity
    ]
    best = max(first, second, key=lambda record: record["started"])
    assert [(run.info.status, is_same_measurement(run, best)) for run in job_runs] == [("FINISHED", True)]
    points = [
        (name, value, *at)
        for name, history in runs(first_machine)[identity]["points"].items()
        for *at, value in history
    ]
    assert sorted(points) == sorted(mlflow_format.metrics(best))


@pytest.mark.parametrize("failed_first", [False, True])
def test_a_result_outranks_another_machines_failure_and_gets_its_studies(published, machine, failed_first):
    identity = f"failed first: {failed_first}"
    result = measured(trials(published)[0], 0, identity)
    elsewhere = {"profiles": ["smoke"], "studies": {"elsewhere": [""]}}
    failure = measured(result, 60, identity, status="out of memory", tags=elsewhere)
    failure = {name: value for name, value in failure.items() if name not in ("data", "network", "points", "raw")}
    for record in (failure, result) if failed_first else (result, failure):
        publisher = machine(record["status"], record)
        publisher.publish(record)
    tags = runs(publisher)[identity]["tags"]
    assert (tags["status"], tags["study.relu"], tags["study.elsewhere"]) == ("finished", "relu, again", "yes")


@pytest.mark.parametrize("later", ["unfit", "without weights"])
def test_a_better_measurement_stays_before_another_machines_later_one(published, machine, tmp_path, later):
    kind = {"unfit": "timing", "without weights": "trial"}[later]
    first = next(record for record in published.records if record["kind"] == kind)
    identity = f"better: {later}"
    better = measured(first | {"data": trials(published)[0]["data"]}, 0, identity, fit=True)  # this machine may be busy
    worse = measured(better, 60, identity, **({"fit": False, "why_unfit": "busy"} if later == "unfit" else {}))
    first_machine, second_machine = machine("one", better), machine("other", worse)
    if kind == "trial":
        store.weights_file(tmp_path / "one", identity).write_bytes(b"weights")
    for publisher, record in (
        (first_machine, better),
        (second_machine, worse),
        (first_machine, better),
        (second_machine, worse),
    ):
        publisher.publish(record)
    (run,) = (
        run
        for run in mlflow_client.find_runs(first_machine.client, first_machine.experiment_ids)
        if run.data.tags["identity"] == identity
    )
    assert is_same_measurement(run, better)
    if kind == "trial":
        assert f"{identity}.safetensors" in [file.path for file in first_machine.client.list_artifacts(run.info.run_id)]


def test_weights_kept_later_are_added_to_the_existing_run(published, machine, tmp_path):
    identity = "weights later"
    record = measured(trials(published)[0], 0, identity)
    second_machine, first_machine = machine("other", record), machine("one", record)
    store.weights_file(tmp_path / "one", identity).write_bytes(b"weights")
    second_machine.publish(record)
    first_machine.publish(record)
    (run,) = (
        run
        for run in mlflow_client.find_runs(first_machine.client, first_machine.experiment_ids)
        if run.data.tags["identity"] == identity
    )
    assert f"{identity}.safetensors" in [file.path for file in first_machine.client.list_artifacts(run.info.run_id)]


@pytest.mark.parametrize("by", ["death", "a doctor elsewhere"])
def test_a_half_published_run_is_replaced_by_a_complete_one(published, machine, monkeypatch, by):
    identity = f"left by {by}"
    record = measured(trials(published)[0], 0, identity)
    publisher = machine("one", record)
    with monkeypatch.context() as patch:
        patch.setattr(publisher.client, "set_terminated", lambda *_: exec("raise KeyboardInterrupt"))
        with pytest.raises(KeyboardInterrupt):
            publisher.publish(record)
    left = next(
        run
        for run in mlflow_client.find_runs(publisher.client, publisher.experiment_ids)
        if run.info.status == "RUNNING"
    )
    if "doctor" in by:
        publisher.client.set_terminated(left.info.run_id, "KILLED")
    remeasured = measured(record, 60, identity)
    for version in (record, remeasured):
        machine("one", version).publish(version)
    (run,) = (
        run
        for run in mlflow_client.find_runs(publisher.client, publisher.experiment_ids)
        if run.data.tags["identity"] == identity
    )
    assert is_same_measurement(run, remeasured) and run.info.status == "FINISHED"


KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 1")
database.execute("CREATE TABLE earlier (text)")
database.executemany("INSERT INTO earlier VALUES (?)", [("old" * 200,)] * 200)
database.execute("BEGIN")
database.execute("UPDATE earlier SET text = 'new'")
os.kill(os.getpid(), 9)
"""


def test_a_new_database_does_not_inherit_the_journal_of_an_earlier_one(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "mlflow.db"])
    assert (tmp_path / "mlflow.db-journal").stat().st_size > 0
    (tmp_path / "mlflow.db").unlink()
    assert Publisher(tmp_path).runs == {}
    assert not (tmp_path / "mlflow.db-journal").exists()


def test_a_database_that_was_deleted_is_filled_again(published, tmp_path):
    shutil.copytree(store.folder(published.out), store.folder(tmp_path))
    publisher = publish_all(tmp_path)  # as after `rm mlflow.db`: a folder with records and no database
    assert runs(publisher) == published.once


def test_arms_may_have_any_name(published):
    record = next(record for record in published.records if record["kind"] == "timing")
    names = {"relu": UNUSUAL, "tanh": "ungrouped: convolutions"}
    samples = [{**sample, "arm": names[sample["arm"]]} for sample in record["samples"]]
    tags = {"profiles": [], "studies": {UNUSUAL: [UNUSUAL]}}
    publisher = Publisher(published.out)
    publisher.publish(record | {"identity": "unusual", "samples": samples, "tags": tags})
    run = runs(publisher)["unusual"]
    assert run["status"] == "FINISHED"
    assert sum(map(len, run["points"].values())) == len(samples)
    assert len(run["points"]) == 2
    assert UNUSUAL in run["tags"].values()


@pytest.mark.parametrize("arm", ["", "..", "/", "a//b", "end/", "."])
def test_an_arm_that_looks_like_a_path_is_no_obstacle(published, arm):
    record = next(record for record in published.records if record["kind"] == "timing")
    sample = {**record["samples"][0], "arm": arm}
    publisher = Publisher(published.out)
    publisher.publish(
        record | {"identity": f"path {arm}", "samples": [sample], "tags": {"profiles": [], "studies": {}}}
    )
    assert len(runs(publisher)[f"path {arm}"]["points"]) == 1


def test_a_report_is_one_run_however_often_it_is_made(published, tmp_path):
    publisher = Publisher(published.out)
    file = tmp_path / "report.html"
    for text in ("old", "new"):
        file.write_text(text)
        publisher.publish_report("(smoke, digits)", [file])
    (run,) = (run for run in runs(publisher).values() if run["name"].startswith("report"))
    assert (run["name"], run["status"], run["artifacts"]) == ("report (smoke, digits)", "FINISHED", ["report.html"])


def test_a_report_of_runs_that_go_on_at_once_is_one_run(published, tmp_path):
    file = tmp_path / "report.html"
    file.write_text("report")
    for publisher in [Publisher(published.out), Publisher(published.out)]:
        publisher.publish_report('it\'s "two" at once', [file])
    publisher = Publisher(published.out)
    job_runs = mlflow_client.find_runs(publisher.client, publisher.experiment_ids)
    assert [run.info.status for run in job_runs if "at once" in run.info.run_name] == ["FINISHED"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "sqlite:///{0}"], ids=["server", "database"])
def test_a_database_that_cannot_be_reached_is_reported_within_seconds(monkeypatch, tmp_path, address):
    """The address names a folder, for which MLflow retries as for a database server that does not answer."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address.format(tmp_path))
    start = time.monotonic()
    with pytest.raises(Exception, match=r"127\.0\.0\.1|unable to open database file"):
        Publisher(tmp_path)
    assert time.monotonic() - start < 15


def test_waiting_for_another_runs_lock_on_mlflow_has_a_limit(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("bench.tracking.publisher.LOCK_TIMEOUT_S", 0.1)
    with FileLock(tmp_path / "mlflow.lock"), pytest.raises(OSError, match=r"mlflow\.lock"):
        Publisher(tmp_path)


class Page(list):
    token = None


def test_all_pages_of_runs_are_read_and_foreign_experiments_are_skipped():
    first, second = Page(["a", "b"]), Page(["c"])
    first.token = "more"
    requests = []

    def search_runs(experiments, filter_string, max_results, page_token):
        requests.append((experiments, filter_string, page_token))
        return {None: first, "more": second}[page_token]

    ours = {f"{mlflow_format.PREFIX}: digits": "1", "another's": "2"}
    assert list(mlflow_client.find_runs(SimpleNamespace(search_runs=search_runs), ours, "what")) == ["a", "b", "c"]
    assert requests == [(["1"], "what", None), (["1"], "what", "more")]
    assert list(mlflow_client.find_runs(SimpleNamespace(search_runs=search_runs), {"another's": "2"})) == []
