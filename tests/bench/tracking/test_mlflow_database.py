"""A SQLite database of MLflow and its artifacts: moved, copied, oddly named, edited by a user, of another version."""

import hashlib
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType
from publishing import publish_all

import ablate
from bench.records import store
from bench.spec.errors import InputError
from bench.tracking import artifact_download, mlflow_client, mlflow_database
from bench.tracking.publisher import Publisher
from bench.tracking.retry_queue import RetryQueue

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own

NAMES = "a?b", "a%20b #1", "é 猫@domain:80", "it's [x]* 100 %"


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def original(ran, tmp_path_factory):
    """A published folder with an experiment of the user's own: change nothing in it."""
    out = tmp_path_factory.mktemp("original") / "out"
    shutil.copytree(store.folder(ran.out), store.folder(out))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        publisher = publish_all(out)
    client = publisher.client
    client.create_run(client.create_experiment("the user's", (out / "artifacts").as_uri()))
    client.set_tag(next(iter(publisher.runs.values())).info.run_id, "mlflow.note.content", "a user's note")
    return out


@pytest.fixture
def copy(original, tmp_path):
    """A copy in its place: the stored folders follow it."""
    out = shutil.copytree(original, tmp_path / "copy")
    mlflow_database.follow_moved_folder(mlflow_client.tracking_uri(out))
    return out


def client_of(out):
    return MlflowClient(mlflow_client.tracking_uri(out))


def own_runs(out):
    client = client_of(out)
    return list(mlflow_client.find_runs(client, mlflow_client.experiment_ids(client)))


def assert_published_once(out):
    identities = sorted(run.data.tags["identity"] for run in own_runs(out))
    assert identities == sorted(record["identity"] for record in store.read_all(out))


def snapshot(folder):
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file: (file.stat().st_mtime_ns, hashlib.md5(file.read_bytes()).hexdigest()) for file in files}


def execute(out, statement, *values):
    with closing(sqlite3.connect(out / "mlflow.db")) as database, database:
        return database.execute(statement, values).fetchall()


def test_a_run_into_a_copy_changes_the_copy_alone(original, tmp_path):
    before, copy = snapshot(original), shutil.copytree(original, tmp_path / "copy")
    half = min(own_runs(original), key=lambda run: run.info.run_id)
    execute(copy, "UPDATE runs SET status = 'RUNNING' WHERE run_uuid = ?", half.info.run_id)  # it is filled again
    shutil.rmtree(copy / "artifacts" / half.info.run_id)
    new = store.read_all(copy)[0] | {"identity": "0123456789abcdef"}
    store.write(copy, new)
    (copy / "report.html").write_text("report")
    publish_all(copy).publish_report("(smoke, digits)", [copy / "report.html"])
    assert snapshot(original) == before
    assert {run.info.run_id for run in own_runs(original)} < {run.info.run_id for run in own_runs(copy)}
    assert "a user's note" in {run.data.tags.get("mlflow.note.content") for run in own_runs(copy)}
    for run in own_runs(copy):
        folder = copy / "artifacts" / run.info.run_id / "artifacts"
        assert run.info.artifact_uri == folder.as_uri() and any(folder.iterdir())


def test_the_old_place_of_a_moved_folder_stays_away_and_another_folder_there_stays_as_it_is(copy, tmp_path):
    moved = copy.rename(tmp_path / "moved")
    publish_all(moved)
    assert not copy.exists()
    shutil.copytree(moved, copy)
    mlflow_database.follow_moved_folder(mlflow_client.tracking_uri(copy))
    before, record = snapshot(copy), store.read_all(moved)[0] | {"identity": "0123456789abcdef"}
    Publisher(moved).publish(record)
    assert snapshot(copy) == before


def test_import_reads_the_files_beside_the_database_and_changes_nothing(original, tmp_path, capsys):
    moved = shutil.copytree(original, tmp_path / "moved")
    before = snapshot(moved)
    assert ablate.main(["import", f"sqlite:///{moved}/mlflow.db", "--out", str(tmp_path / "new")]) == 0
    assert {record["identity"] for record in store.read_all(tmp_path / "new")} == {
        record["identity"] for record in store.read_all(original)
    }
    assert snapshot(moved) == before
    shutil.rmtree(moved / "artifacts")
    assert ablate.main(["import", f"sqlite:///{moved}/mlflow.db", "--out", str(tmp_path / "none")]) == 2
    assert "nothing to import" in capsys.readouterr().err


def test_only_what_is_ours_and_elsewhere_follows(copy):
    location = "SELECT name, artifact_location FROM experiments"
    expected, address = execute(copy, location), mlflow_client.tracking_uri(copy)
    name = next(name for name, _ in expected if name.startswith("AlexNet"))
    execute(copy, "UPDATE experiments SET artifact_location = 'file:///old%20place/artifacts' WHERE name = ?", name)
    assert mlflow_database.find_moved_folder(address) == "file:///old%20place/artifacts"
    mlflow_database.follow_moved_folder(address)
    assert execute(copy, location) == expected and not mlflow_database.find_moved_folder(address)
    run_id = own_runs(copy)[0].info.run_id
    execute(copy, "UPDATE runs SET artifact_uri = 'file:///old/artifacts/' || run_uuid || '/artifacts'")
    mlflow_database.follow_moved_folder(address)
    places = dict(execute(copy, "SELECT run_uuid, artifact_uri FROM runs"))
    assert places.pop(run_id) == (copy / "artifacts" / run_id / "artifacts").as_uri()
    assert sum(place.startswith("file:///old/") for place in places.values()) == 1  # the user's
    execute(copy, "UPDATE experiments SET artifact_location = 's3://bucket/artifacts' WHERE name = ?", name)
    assert not mlflow_database.find_moved_folder(address)


def test_a_folder_that_is_reached_by_two_paths_is_one_folder(copy, tmp_path):
    (tmp_path / "link").symlink_to(copy)
    assert mlflow_client.tracking_uri(tmp_path / "link") == mlflow_client.tracking_uri(copy)
    assert not mlflow_database.find_moved_folder(mlflow_client.tracking_uri(tmp_path / "link"))


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_may_have_any_name(original, tmp_path, monkeypatch, name):
    here = tmp_path / "here"
    out = shutil.copytree(original, here / name)
    monkeypatch.chdir(here)
    record = store.read_all(out)[0] | {"identity": "0123456789abcdef"}
    store.write(out, record)
    Publisher(Path(name)).publish(record)
    for address in (mlflow_client.tracking_uri(out), f"sqlite:///{out}/mlflow.db"):
        (file,) = artifact_download.download_artifacts(
            address, tmp_path, lambda file: file.startswith("0123456789abcdef.")
        )
        file.unlink()
    assert os.listdir(here) == [name]


def test_a_new_database_in_an_oddly_named_folder_lies_in_it(tmp_path):
    out = tmp_path / "here" / "a?b%20c"
    out.mkdir(parents=True)
    Publisher(out)
    assert os.listdir(tmp_path / "here") == [out.name] and (out / "mlflow.db").exists()


def test_a_database_that_a_variable_names_has_its_artifacts_beside_it(original, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shared = shutil.copytree(original, tmp_path / "shared")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///shared/mlflow.db")
    record = store.read_all(original)[0] | {"identity": "0123456789abcdef"}
    (tmp_path / "out").mkdir()
    store.write(tmp_path / "out", record)
    Publisher(tmp_path / "out").publish(record)
    assert any((shared / "artifacts").rglob("0123456789abcdef.json"))
    assert sorted(os.listdir(tmp_path)) == ["out", "shared"]


@pytest.mark.parametrize("place", ["file:///elsewhere/artifacts/7/artifacts", "./mlruns/1/7/artifacts"])
def test_artifacts_of_a_database_on_a_server_lie_in_the_output_folder(tmp_path, place):
    address, run = "postgresql://alice@host/db", SimpleNamespace(info=SimpleNamespace(artifact_uri=place, run_id="7"))
    assert mlflow_database.artifact_folder(address, tmp_path) == (tmp_path / "artifacts").as_uri()
    store_of_run = mlflow_database.artifact_store(run, address, tmp_path)
    assert store_of_run.artifact_uri == (tmp_path / "artifacts/7/artifacts").as_uri()
    assert mlflow_database.artifact_folder("http://host:5000", tmp_path) is None


def delete_experiments(client):
    for name, number in mlflow_client.experiment_ids(client).items():
        if name.startswith("AlexNet"):
            client.delete_experiment(number)


def delete_a_run_and_the_experiments(client):
    delete_runs(client)
    delete_experiments(client)


def delete_runs(client):
    for run in list(mlflow_client.find_runs(client, mlflow_client.experiment_ids(client))):
        client.delete_run(run.info.run_id)


def rename_experiments(client):
    for name, number in mlflow_client.experiment_ids(client).items():
        if name.startswith("AlexNet"):
            client.rename_experiment(number, f"my digits, {number}")


def delete_for_good(client):
    """As `mlflow gc` does."""
    delete_experiments(client)
    for experiment in client.search_experiments(ViewType.DELETED_ONLY):
        for run in client.search_runs([experiment.experiment_id], run_view_type=ViewType.DELETED_ONLY):
            client._tracking_client.store._hard_delete_run(run.info.run_id)
        client._tracking_client.store._hard_delete_experiment(experiment.experiment_id)


EDITS = delete_experiments, delete_a_run_and_the_experiments, delete_runs, rename_experiments, delete_for_good


@pytest.mark.parametrize("edit", EDITS)
def test_what_a_user_changes_in_mlflow_between_runs_leaves_each_record_published_once(copy, edit):
    edit(client_of(copy))
    publish_all(copy)
    assert_published_once(copy)


@pytest.mark.parametrize("edit", [delete_experiments, delete_for_good])
def test_what_a_user_changes_in_mlflow_during_a_run_loses_no_later_record(copy, edit):
    queue = RetryQueue(copy, "smoke", lambda text: None)
    edit(client_of(copy))
    new = store.read_all(copy)[0] | {"identity": "0123456789abcdef"}
    store.write(copy, new)
    queue.publish(new, {})
    queue.publish_all({})
    assert "0123456789abcdef" in {run.data.tags["identity"] for run in own_runs(copy)}
    publish_all(copy)
    assert_published_once(copy)


OTHER_VERSION = "UPDATE alembic_version SET version_num = 'c8afb15a5e1c'"


@pytest.fixture
def other_version(copy):
    execute(copy, OTHER_VERSION)
    execute(copy, "DROP TABLE sql_trace_rollup_rebuild_queue")  # MLflow changes a database that lacks a table
    return copy


@pytest.mark.parametrize("words", ["doctor", "doctor --fix", "import", "ui"])
def test_a_database_of_another_version_is_named_with_what_to_do_and_left_alone(other_version, words, capsys):
    before, address = snapshot(other_version), f"sqlite:///{other_version}/mlflow.db"
    origin = [address, "--out", str(other_version.parent / "new")] if words == "import" else []
    status = ablate.main([*words.split(), *(origin or ["--out", str(other_version)])])
    captured = capsys.readouterr()
    (line,) = [line for line in (captured.out + captured.err).splitlines() if "of another version" in line]
    assert status and f"`mlflow db upgrade {address}`" in line
    assert snapshot(other_version) == before


def test_a_run_goes_on_without_a_database_of_another_version(other_version):
    warnings = []
    queue = RetryQueue(other_version, "smoke", warnings.append)
    queue.publish_all({})
    assert not queue.usable and store.read_all(other_version)
    (warning,) = warnings
    assert f"`mlflow db upgrade sqlite:///{other_version}/mlflow.db`" in warning and "published later" in warning


@pytest.mark.parametrize("content", [b"", None], ids=["empty", "another program's"])
def test_reading_makes_no_tables_in_a_file_without_any(tmp_path, content):
    file = tmp_path / "places.sqlite"
    if content is None:
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("CREATE TABLE places (url)")
    else:
        file.write_bytes(content)
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="is not a database of MLflow"):
        artifact_download.download_artifacts(f"sqlite:///{file}", tmp_path, bool)
    assert snapshot(tmp_path) == before
