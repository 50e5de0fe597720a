"""Files in the output folder are read, or refused with their name and advice."""

import contextlib
import json
import os
import shutil
import socket
from types import SimpleNamespace

import pytest

import ablate as command
from bench import REVISION
from bench.records import store, validation
from bench.spec.jobs import identity
from reports import prospects, terminal


@pytest.fixture
def run_copy(smoke, tmp_path):
    """A copy of a finished run."""
    return shutil.copytree(smoke.out, tmp_path / "kept")


def socket_at(file):
    with socket.socket(socket.AF_UNIX) as listener, contextlib.chdir(file.parent):
        listener.bind(file.name)


KINDS = {
    "a pipe": os.mkfifo,
    "a socket": socket_at,
    "a device": lambda file: file.symlink_to("/dev/zero"),
    "a folder": lambda file: file.mkdir(),
}


def changed(**fields):
    """A change whose checksum agrees with it, as that of another harness would."""

    def change(text):
        record = {**json.loads(text), **fields}
        return json.dumps(record | {"checksum": store.checksum(record)})

    return change


RECORDS = {
    "of another schema": (changed(schema=3), "schema is 3"),
    "cut in half": (lambda text: text[: len(text) // 2], "no whole record"),
    "not JSON": (lambda text: "hello", "no whole record"),
    "empty": (lambda text: "", "no whole record"),
    "a list": (lambda text: "[]", "no record"),
    "null": (lambda text: "null", "no record"),
    "deep": (lambda text: "[" * 100_000, "recursion"),
    "another job's": (changed(identity="0" * 16), "not the record of its own job"),
    "of no kind": (changed(kind="guess"), "no record"),
    "of no status": (changed(status="fine"), "status is 'fine'"),
    "without points": (changed(points=None), "no record"),
    "with layers that are none": (
        changed(network={"parameters": 1, "macs": 1, "layers": [{}]}),
        "layers.0.name is missing",
    ),
    "edited": (lambda text: text.replace('"reason": ""', '"reason": "none"'), "was changed after it was measured"),
    "with an impossible accuracy": (
        changed(points=[{"step": 0, "epoch": 0, "time": 0.0, "metrics": {"test/accuracy": 250.0}}]),
        "test/accuracy is 250: expected 0 to 1",
    ),
}


@pytest.mark.parametrize("words", ["run", "plan", "report"])
@pytest.mark.parametrize("change, message", RECORDS.values(), ids=RECORDS)
def test_a_record_that_is_none_is_named_with_what_to_do(error_line, smoke, run_copy, words, change, message):
    file = min(store.folder(run_copy).glob("*.json"))
    file.write_text(change(file.read_text()))
    options = () if words == "report" else smoke.arguments
    line = error_line(words, *options, "--out", run_copy)
    assert str(file) in line and message in line and "ablate doctor --fix" in line


def test_records_of_an_earlier_revision_are_passed_over(smoke, run_copy):
    file = min(store.folder(run_copy).glob("*.json"))
    earlier = identity(validation.build_job(json.loads(file.read_text())), REVISION - 1)
    file.with_name(f"{earlier}.json").write_text(changed(identity=earlier)(file.read_text()))
    assert command.main(["plan", *smoke.arguments, "--out", str(run_copy)]) == 0


@pytest.mark.parametrize("words", ["plan", "report"])
def test_a_record_is_read_once_for_its_check_and_its_pace(smoke, run_copy, monkeypatch, words):
    read, load = [], store.load
    monkeypatch.setattr(store, "load", lambda file: read.append(file) or load(file))
    report = SimpleNamespace(evidence=SimpleNamespace(judgements=[]))
    monkeypatch.setattr(terminal, "show_report", lambda *_: report)
    monkeypatch.setattr(prospects, "estimate_prospects", lambda *_: [])
    assert command.main([words, *(smoke.arguments if words == "plan" else ()), "--out", str(run_copy)]) == 0
    assert sorted(read) == sorted(store.folder(run_copy).glob("*.json"))


@pytest.mark.parametrize("words", ["run", "report"])
@pytest.mark.parametrize("content", ["[1]", '"x"', "{}"])
def test_a_file_that_is_no_record_stops_a_run_and_a_report(error_line, smoke, run_copy, words, content):
    (store.folder(run_copy) / "notes.json").write_text(content)
    assert "notes.json is no record" in error_line(
        words, *(smoke.arguments if words == "run" else ()), "--out", run_copy
    )


def within(text, *places, value):
    document = part = json.loads(text)
    for place in places[:-1]:
        part = part[place]
    part[places[-1]] = value
    return json.dumps(document)


REQUESTS = {
    "empty": lambda text: "",
    "cut in half": lambda text: text[: len(text) // 2],
    "no object": lambda text: "[]",
    "without fields": lambda text: "{}",
    "an unknown profile": lambda text: within(text, "profile", value="lavish"),
    "no seeds": lambda text: within(text, "seeds", value=0),
    "seeds in words": lambda text: within(text, "seeds", value="two"),
    "another device": lambda text: within(text, "device", value="tpu"),
    "studies that are none": lambda text: within(text, "studies", value="relu"),
    "a source of nothing": lambda text: within(text, "source", value=None),
    "classes lost": lambda text: within(text, "source", "classes", value=3),
    "no training images": lambda text: within(text, "source", "data", "train", value=0),
    "a stranger among the fields": lambda text: within(text, "source", "colour", value="red"),
    "half a character in a class": lambda text: within(text, "source", "classes", value=["cat", "\udcff"]),
    "further seeds in words": lambda text: within(text, "extra_seeds", value={"relu": {"tanh": "ten"}}),
    "further seeds of no arm": lambda text: within(text, "extra_seeds", value={"relu": 10}),
    "no further seeds": lambda text: within(text, "extra_seeds", value={"relu": {"tanh": 0}}),
    "chance in words": lambda text: within(text, "source", "data", "chance", value="even"),
}


@pytest.mark.parametrize("change", REQUESTS.values(), ids=REQUESTS)
def test_a_damaged_run_json_is_reported(error_line, run_copy, change):
    (run_copy / "run.json").write_text(change((run_copy / "run.json").read_text()))
    assert "run.json is damaged" in error_line("report", "--out", run_copy)


def test_a_run_json_that_is_a_folder_or_no_text_is_reported_as_damaged(error_line, run_copy):
    (run_copy / "run.json").write_bytes(b"\xff\xfe\0")
    assert "run.json is damaged" in error_line("report", "--out", run_copy)
    (run_copy / "run.json").unlink()
    (run_copy / "run.json").mkdir()
    assert "run.json is damaged" in error_line("report", "--out", run_copy)
    (run_copy / "run.json").rmdir()
    os.mkfifo(run_copy / "run.json")
    assert "run.json is no regular file" in error_line("report", "--out", run_copy)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_never_opened_and_the_doctor_moves_it_aside(error_line, run_copy, kind, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    record = min(store.folder(run_copy).glob("*.json"))
    places = [record.with_suffix(suffix) for suffix in (".json", ".part", ".checkpoint", ".lock", ".safetensors")]
    if kind != "a folder":
        places += [run_copy / name for name in ("mlflow.db", "mlflow.lock", "run.json", "reports/report.json")]
    for file in places:
        file.unlink(missing_ok=True)
        KINDS[kind](file)
        for words in ("report", "export x.zip", "import nowhere", "ui", "plan", "run")[: 6 if file == record else 1]:
            line = error_line(*words.split(), "--out", run_copy)
            assert f"{file} is no regular file but {kind}: `ablate doctor --fix` moves it aside" in line
        command.main(["doctor", "--fix", "--out", str(run_copy)])
        assert f"fixed    {file} is no regular file but {kind}" in capsys.readouterr().out
        assert not os.path.lexists(file)
    assert command.main(["doctor", "--out", str(run_copy)]) == 0
