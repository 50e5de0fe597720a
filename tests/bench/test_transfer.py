"""Finished records carried from place to place, and what is refused on the way."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import pytest
from running import run

from ablations.framework import request_store
from bench.records import archive as archives
from bench.records import importing, store
from bench.runner.pending import find_missing_jobs
from bench.spec.errors import InputError
from bench.spec.jobs import Timing
from bench.system.text import printable
from commands.doctor import with_advice
from commands.import_records import import_from

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own


@pytest.fixture
def two(ran, tmp_path):
    """A folder with two records of trials: the first and the second file."""
    folder = store.folder(tmp_path / "two")
    folder.mkdir(parents=True)
    trials = [record["identity"] for record in store.read_all(ran.out) if record["kind"] == "trial"]
    return [Path(shutil.copy(store.path(ran.out, identity), folder)) for identity in trials[:2]]


def files(out):
    return {file.name: file.read_bytes() for file in store.folder(out).iterdir()}


def test_records_and_weights_arrive_as_they_were(ran, archive, tmp_path):
    imported, _ = import_from(str(archive), tmp_path, weights=True)
    assert (len(imported.new), imported.present, imported.refused) == (len(ran.jobs), [], [])
    assert files(tmp_path) == files(ran.out)
    assert (tmp_path / request_store.REQUEST_FILE).read_text() == '{"studies": ["relu"]}'


def test_weights_travel_on_request_alone(ran, archive, tmp_path):
    archives.pack(ran.out, tmp_path / "light.zip", weights=False)
    assert all(name.endswith(".json") for name in zipfile.ZipFile(tmp_path / "light.zip").namelist())
    import_from(str(archive), tmp_path, weights=False)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_what_was_here_counts_as_known_and_stays_but_lacking_weights_are_added(ran, archive, tmp_path):
    import_from(str(archive), tmp_path, weights=False)
    (tmp_path / request_store.REQUEST_FILE).write_text("mine")
    one = store.read_all(tmp_path)[0]
    store.write(tmp_path, one | {"tags": {"profiles": ["mine"], "studies": {}}})
    before = files(tmp_path)
    imported, _ = import_from(str(archive), tmp_path, weights=True)
    assert (imported.new, len(imported.present), imported.refused) == ([], len(ran.jobs), [])
    assert {name: files(tmp_path)[name] for name in before} == before
    assert files(tmp_path).keys() == files(ran.out).keys()
    assert (tmp_path / request_store.REQUEST_FILE).read_text() == "mine"


@pytest.mark.parametrize("inside", [".", "trials"])
def test_a_run_counts_what_was_imported_from_a_folder_as_done(ran, tmp_path, inside):
    import_from(str(ran.out / inside), tmp_path, weights=True)
    jobs = [job for job in ran.jobs if not isinstance(job, Timing)]  # which may have been unfit
    assert find_missing_jobs(jobs, tmp_path) == []
    assert list(run(jobs, ran.source, tmp_path, workers=1)) == []


def amended(**fields):
    return lambda text: json.dumps(json.loads(text) | fields)


REFUSED = {
    "changed job": (lambda text: text.replace('"seed": ', '"seed": 7'), "not the record of its own job"),
    "another version": (amended(schema=2), "schema is 2"),
    "hostile version": (amended(schema="\x1b[2J"), "schema is '\\x1b[2J'"),
    "failure": (amended(status="out of memory"), "the record of a failure (out of memory)"),
    "no status": (amended(status="fine"), "status is 'fine'"),
    "not finite": (amended(raw={"step_ms": [float("nan")]}), "not finite"),
    "endless step": (amended(points=[{"step": float("inf"), "epoch": 0, "time": 0, "metrics": {}}]), "no record"),
    "cut": (lambda text: text[:100], "no whole record"),
    "a list": (lambda text: "[]", "no whole record"),
    "deep": (lambda text: "[" * 100_000, "no whole record"),
}


@pytest.mark.parametrize("change, said", REFUSED.values(), ids=REFUSED)
def test_a_record_that_is_not_to_be_had_is_refused_and_the_others_arrive(two, tmp_path, change, said):
    odd, good = two
    odd.write_text(change(odd.read_text()))
    odd.with_suffix(".safetensors").write_bytes(b"weights")
    imported, _ = import_from(str(tmp_path / "two"), tmp_path / "out", weights=True)
    assert (imported.new, imported.present) == ([good.stem], [])
    assert [said in line and line.isprintable() for line in map(printable, map(str, imported.refused))] == [True]
    assert list(files(tmp_path / "out")) == [good.name]


def test_a_record_larger_than_any_is_refused_unread(two, tmp_path, monkeypatch):
    monkeypatch.setitem(importing.LARGEST_BYTES, ".json", two[0].stat().st_size - 1)
    two[1].write_text("{}")
    assert f"{two[0].name} is larger" in str(import_from(str(tmp_path / "two"), tmp_path / "out", False)[0].refused[0])


def test_a_result_takes_the_place_of_a_failure(two, tmp_path):
    failure = json.loads(two[0].read_text()) | {"status": "died"}
    store.write(tmp_path / "out", failure)
    assert import_from(str(tmp_path / "two"), tmp_path / "out", False)[0].new == [file.stem for file in two]
    assert store.read(tmp_path / "out", two[0].stem)["status"] == "finished"


def test_a_broken_record_that_is_in_the_way_is_left_and_named(two, tmp_path):
    file = store.path(tmp_path / "out", two[0].stem)
    file.parent.mkdir(parents=True)
    file.write_text("{")
    imported, _ = import_from(str(tmp_path / "two"), tmp_path / "out", False)
    assert imported.new == [two[1].stem] and str(file) in str(imported.refused[0])
    assert "ablate doctor" in with_advice(imported.refused[0])
    assert file.read_text() == "{"


def test_failures_are_not_exported_and_files_of_any_age_are(two, tmp_path):
    two[0].write_text(amended(status="hung")(two[0].read_text()))
    os.utime(two[1], (0, 0))  # before there were archives
    assert archives.pack(tmp_path / "two", tmp_path / "deep" / "results.zip", False) == (1, 0)
    assert zipfile.ZipFile(tmp_path / "deep" / "results.zip").namelist() == [two[1].name]


def test_what_would_be_refused_on_the_way_in_is_not_packed_and_counted(two, tmp_path):
    earlier = two[0].with_name("0" * 16 + ".json")  # which another revision calls its own
    earlier.write_text(amended(identity=earlier.stem)(two[0].read_text()))
    two[0].write_text("{")
    assert archives.pack(tmp_path / "two", tmp_path / "results.zip", False) == (1, 2)
    assert zipfile.ZipFile(tmp_path / "results.zip").namelist() == [two[1].name]
    assert import_from(str(tmp_path / "results.zip"), tmp_path / "out", False)[0].refused == []


def test_an_archive_that_cannot_be_written_leaves_nothing(two, tmp_path):
    (tmp_path / "results.zip").mkdir()
    with pytest.raises(InputError, match=r"results\.zip cannot be written \(Is a directory\)"):
        archives.pack(tmp_path / "two", tmp_path / "results.zip", False)
    assert sorted(os.listdir(tmp_path)) == ["results.zip", "two"]


@pytest.mark.parametrize("weights", [True, False])
def test_everything_comes_back_from_mlflow(smoke, tmp_path, weights):
    imported, _ = import_from(f"sqlite:///{smoke.out / 'mlflow.db'}", tmp_path, weights)
    assert (len(imported.new), imported.present, imported.refused) == (8, [], [])
    expected = {name: content for name, content in files(smoke.out).items() if weights or name.endswith(".json")}
    assert files(tmp_path) == expected
    here, there = (json.loads((out / request_store.REQUEST_FILE).read_text()) for out in (tmp_path, smoke.out))
    assert here == there | {"studies": [], request_store.ELSEWHERE: [str(smoke.study)]}


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
def test_weights_that_are_none_are_refused_and_their_record_arrives(two, tmp_path, content):
    two[0].with_suffix(".safetensors").write_bytes(content)
    imported, _ = import_from(str(tmp_path / "two"), tmp_path / "out", weights=True)
    assert imported.new == [file.stem for file in two]
    assert [f"{two[0].stem}.safetensors holds no weights" in told for told in map(str, imported.refused)] == [True]
    assert sorted(files(tmp_path / "out")) == sorted(file.name for file in two)


def test_weights_larger_than_any_are_refused_unread(ran, tmp_path, monkeypatch):
    monkeypatch.setitem(importing.LARGEST_BYTES, ".safetensors", 9)
    imported, _ = import_from(str(ran.out), tmp_path, weights=True)
    assert len(imported.new) == len(ran.jobs) and all(
        "safetensors is larger" in told for told in map(str, imported.refused)
    )
    assert imported.refused and not list(tmp_path.rglob("*.safetensors"))


# What the last run was asked


def test_a_study_in_a_file_is_not_taken_along_since_a_report_would_run_its_code(two, tmp_path):
    asked = {"studies": ["relu", "/their/evil.py"], "seeds": 3}
    (tmp_path / "two" / request_store.REQUEST_FILE).write_text(json.dumps(asked))
    for origin, out in (("two", "out"), ("out", "again")):
        imported, left_studies = import_from(str(tmp_path / origin), tmp_path / out, False)
        assert left_studies == ["/their/evil.py"] and imported.refused == []
        kept = json.loads((tmp_path / out / request_store.REQUEST_FILE).read_text())
        assert kept == {"studies": ["relu"], "seeds": 3, request_store.ELSEWHERE: ["/their/evil.py"]}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"studies": "relu"}', b"\xff\xfe\0", b"[" * 100_000])
def test_a_damaged_run_json_is_refused_and_the_records_arrive(two, tmp_path, content):
    (tmp_path / "two" / request_store.REQUEST_FILE).write_bytes(content)
    imported, _ = import_from(str(tmp_path / "two"), tmp_path / "out", False)
    assert len(imported.new) == 2 and [
        told.startswith("run.json is damaged (") for told in map(str, imported.refused)
    ] == [True]
    assert not (tmp_path / "out" / request_store.REQUEST_FILE).exists()
