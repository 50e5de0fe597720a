"""Export and import of finished records, and the refusal of invalid ones."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from running import run

import ablate
from ablations.framework import request_store
from bench.records import archive as archives
from bench.records import store
from bench.runner.pending import find_missing_jobs
from bench.spec.errors import InputError
from bench.spec.jobs import Timing
from bench.system.text import printable
from commands.doctor import with_advice
from commands.import_records import import_from

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own


@pytest.fixture
def two_files(ran, tmp_path):
    """A folder with two records of trials: the first and the second file."""
    folder = store.folder(tmp_path / "two")
    folder.mkdir(parents=True)
    trials = [record["identity"] for record in store.read_all(ran.out) if record["kind"] == "trial"]
    return [Path(shutil.copy(store.path(ran.out, identity), folder)) for identity in trials[:2]]


def files(out):
    return {file.name: file.read_bytes() for file in store.folder(out).iterdir()}


def test_records_and_weights_are_imported_unchanged(ran, archive, tmp_path):
    imported = import_from(str(archive), tmp_path, weights=True)
    assert (len(imported.new), imported.present, imported.refused) == (len(ran.jobs), [], [])
    assert files(tmp_path) == files(ran.out)
    assert json.loads((tmp_path / request_store.REQUEST_FILE).read_text())["studies"] == ["relu"]


def test_weights_are_exported_and_imported_only_on_request(ran, archive, tmp_path):
    archives.pack(ran.out, tmp_path / "light.zip", weights=False)
    assert all(name.endswith(".json") for name in zipfile.ZipFile(tmp_path / "light.zip").namelist())
    import_from(str(archive), tmp_path, weights=False)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_present_records_stay_and_their_missing_weights_are_added(ran, archive, tmp_path):
    import_from(str(archive), tmp_path, weights=False)
    (tmp_path / request_store.REQUEST_FILE).write_text("mine")
    record = store.read_all(tmp_path)[0]
    store.write(tmp_path, record | {"tags": {"profiles": ["mine"], "studies": {}}})
    before = files(tmp_path)
    imported = import_from(str(archive), tmp_path, weights=True)
    assert (imported.new, len(imported.present), imported.refused) == ([], len(ran.jobs), [])
    assert {name: files(tmp_path)[name] for name in before} == before
    assert files(tmp_path).keys() == files(ran.out).keys()
    assert (tmp_path / request_store.REQUEST_FILE).read_text() == "mine"


@pytest.mark.parametrize("inside", [".", "trials"])
def test_a_run_counts_what_was_imported_from_a_folder_as_done(ran, tmp_path, inside):
    import_from(str(ran.out / inside), tmp_path, weights=True)
    jobs = [job for job in ran.jobs if not isinstance(job, Timing)]  # a timing may be unfit
    assert find_missing_jobs(jobs, tmp_path) == []
    assert list(run(jobs, ran.source, tmp_path, workers=1)) == []


def amended(**fields):
    return lambda text: signed(json.loads(text) | fields)


def signed(record):
    """The text of a record with the checksum of its content."""
    return json.dumps(record | {"checksum": store.checksum(record)})


REFUSED = {
    "changed job": (
        lambda text: signed(json.loads(text.replace('"seed": ', '"seed": 7'))),
        "not the record of its own job",
    ),
    "another version": (amended(schema=3), "schema is 3"),
    "hostile version": (amended(schema="\x1b[2J"), "schema is '\\x1b[2J'"),
    "failure": (amended(status="out of memory"), "the record of a failure (out of memory)"),
    "no status": (amended(status="fine"), "status is 'fine'"),
    "not finite": (amended(raw={"step_ms": [float("nan")]}), "not finite"),
    "endless step": (amended(points=[{"step": float("inf"), "epoch": 0, "time": 0, "metrics": {}}]), "no record"),
    "cut": (lambda text: text[:100], "no whole record"),
    "a list": (lambda text: "[]", "no whole record"),
    "deep": (lambda text: "[" * 100_000, "no whole record"),
    "huge integer": (lambda text: text.replace('"seed": ', '"seed": ' + "7" * 5000), "no whole record"),
    "edited": (lambda text: text.replace('"reason": ""', '"reason": "none"'), "changed after it was measured"),
    "impossible": (
        amended(points=[{"step": 0, "epoch": 0, "time": 0, "metrics": {"test/accuracy": -5.0}}]),
        "test/accuracy is -5: expected 0 to 1",
    ),
}


@pytest.mark.parametrize("change, message", REFUSED.values(), ids=REFUSED)
def test_an_invalid_record_is_refused_and_the_others_are_imported(two_files, tmp_path, change, message):
    odd_file, good_file = two_files
    odd_file.write_text(change(odd_file.read_text()))
    odd_file.with_suffix(".safetensors").write_bytes(b"weights")
    imported = import_from(str(tmp_path / "two"), tmp_path / "out", weights=True)
    assert (imported.new, imported.present) == ([good_file.stem], [])
    assert [message in line and line.isprintable() for line in map(printable, map(str, imported.refused))] == [True]
    assert list(files(tmp_path / "out")) == [good_file.name]


def test_a_record_larger_than_any_is_refused_unread(two_files, tmp_path, monkeypatch):
    monkeypatch.setitem(store.MAX_BYTES, ".json", two_files[0].stat().st_size - 1)
    two_files[1].write_text("{}")
    assert f"{two_files[0].name} is larger" in str(
        import_from(str(tmp_path / "two"), tmp_path / "out", False).refused[0]
    )


def test_a_result_replaces_a_failure(two_files, tmp_path):
    failure = json.loads(two_files[0].read_text()) | {"status": "died"}
    store.write(tmp_path / "out", failure)
    assert import_from(str(tmp_path / "two"), tmp_path / "out", False).new == [file.stem for file in two_files]
    assert store.read(tmp_path / "out", two_files[0].stem)["status"] == "finished"


def test_a_broken_record_in_the_target_is_kept_and_named(two_files, tmp_path):
    file = store.path(tmp_path / "out", two_files[0].stem)
    file.parent.mkdir(parents=True)
    file.write_text("{")
    imported = import_from(str(tmp_path / "two"), tmp_path / "out", False)
    assert imported.new == [two_files[1].stem] and str(file) in str(imported.refused[0])
    assert "ablate doctor" in with_advice(imported.refused[0])
    assert file.read_text() == "{"


def test_failures_are_not_exported(two_files, tmp_path):
    two_files[0].write_text(amended(status="hung")(two_files[0].read_text()))
    os.utime(two_files[1], (0, 0))  # older than the format of zip files
    assert archives.pack(tmp_path / "two", tmp_path / "deep" / "results.zip", False) == (1, 0)
    assert zipfile.ZipFile(tmp_path / "deep" / "results.zip").namelist() == [two_files[1].name]


def test_records_that_an_import_would_refuse_are_skipped_and_counted(two_files, tmp_path):
    earlier = two_files[0].with_name("0" * 16 + ".json")  # the record of another revision
    earlier.write_text(amended(identity=earlier.stem)(two_files[0].read_text()))
    two_files[0].write_text("{")
    assert archives.pack(tmp_path / "two", tmp_path / "results.zip", False) == (1, 2)
    assert zipfile.ZipFile(tmp_path / "results.zip").namelist() == [two_files[1].name]
    assert import_from(str(tmp_path / "results.zip"), tmp_path / "out", False).refused == []


def test_an_archive_that_cannot_be_written_leaves_nothing(two_files, tmp_path):
    (tmp_path / "results.zip").mkdir()
    with pytest.raises(InputError, match=r"results\.zip cannot be written \(Is a directory\)"):
        archives.pack(tmp_path / "two", tmp_path / "results.zip", False)
    assert sorted(os.listdir(tmp_path)) == ["results.zip", "two"]


@pytest.mark.parametrize("weights", [True, False])
def test_records_and_weights_are_imported_from_mlflow(smoke, tmp_path, weights):
    imported = import_from(f"sqlite:///{smoke.out / 'mlflow.db'}", tmp_path, weights)
    assert (len(imported.new), imported.present, imported.refused) == (8, [], [])
    expected = {name: content for name, content in files(smoke.out).items() if weights or name.endswith(".json")}
    assert files(tmp_path) == expected
    requests = [(out / request_store.REQUEST_FILE).read_bytes() for out in (tmp_path, smoke.out)]
    assert requests[0] == requests[1]


# Weights


def header(content):
    return len(content).to_bytes(8, "little") + content


NO_WEIGHTS = {
    "garbage": b"garbage",
    "empty": b"",
    "longer than it is": header(b'{"w": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}'),
    "of nothing": header(b"{}"),
}


@pytest.mark.parametrize("content", NO_WEIGHTS.values(), ids=NO_WEIGHTS)
def test_invalid_weights_are_refused_and_their_record_is_imported(two_files, tmp_path, content):
    two_files[0].with_suffix(".safetensors").write_bytes(content)
    imported = import_from(str(tmp_path / "two"), tmp_path / "out", weights=True)
    assert imported.new == [file.stem for file in two_files]
    assert [
        f"{two_files[0].stem}.safetensors does not hold the weights" in message
        for message in map(str, imported.refused)
    ] == [True]
    assert sorted(files(tmp_path / "out")) == sorted(file.name for file in two_files)


def test_weights_larger_than_any_are_refused_unread(ran, tmp_path, monkeypatch):
    monkeypatch.setitem(store.MAX_BYTES, ".safetensors", 9)
    imported = import_from(str(ran.out), tmp_path, weights=True)
    assert len(imported.new) == len(ran.jobs) and all(
        "safetensors is larger" in message for message in map(str, imported.refused)
    )
    assert imported.refused and not list(tmp_path.rglob("*.safetensors"))


# The request of the last run


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"studies": "relu"}', b"\xff\xfe\0", b"[" * 100_000])
def test_a_damaged_run_json_is_refused_and_the_records_are_imported(two_files, tmp_path, content):
    (tmp_path / "two" / request_store.REQUEST_FILE).write_bytes(content)
    imported = import_from(str(tmp_path / "two"), tmp_path / "out", False)
    assert len(imported.new) == 2 and ["run.json is damaged (" in str(error) for error in imported.refused] == [True]
    assert not (tmp_path / "out" / request_store.REQUEST_FILE).exists()


def test_a_refused_file_of_an_archive_is_named_by_both(two_files, tmp_path):
    two_files[0].write_text("{")
    two_files[1].write_text(amended(schema=3)(two_files[1].read_text()))
    with zipfile.ZipFile(tmp_path / "results.zip", "w") as archive:
        for file in two_files:
            archive.write(file, file.name)
    imported = import_from(str(tmp_path / "results.zip"), tmp_path / "out", False)
    assert sorted(str(error).partition(" is no ")[0] for error in imported.refused) == sorted(
        f"{tmp_path / 'results.zip'}: {file.name}" for file in two_files
    )


def test_an_export_with_weights_says_if_there_are_none(two_files, tmp_path, capsys):
    assert ablate.main(["export", "--weights", str(tmp_path / "a.zip"), "--out", str(tmp_path / "two")]) == 0
    expected = f"2 records in {tmp_path / 'a.zip'}; no weights: {tmp_path / 'two'} holds none"
    assert capsys.readouterr().out.strip() == expected
