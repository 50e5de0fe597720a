"""Reports of studies in files: one's own file is executed, anybody else's or an absent one is reported as declared."""

import json
import math
import os
import shutil

import pytest

import ablate as command
from ablations import Study, Timing
from ablations.framework import discovery
from ablations.framework.request import Request
from ablations.framework.request_store import load_request, read_request, save_request
from bench.records import store
from bench.spec.errors import InputError
from bench.system import machine_number

NOTE = "study my_study is reported as it was declared when the run was made; its file was not executed"


@pytest.fixture
def out(smoke, tmp_path):
    """A copy of a finished run, without what MLflow keeps."""
    return shutil.copytree(smoke.out, tmp_path / "out", ignore=shutil.ignore_patterns("mlflow*", "artifacts", "cache"))


def rewrite(out, without="", **fields):
    """Change fields of run.json, and remove one; return all."""
    request = json.loads((out / "run.json").read_text()) | fields
    request.pop(without, None)
    (out / "run.json").write_text(json.dumps(request))
    return request


def check(out, verdicts, capsys):
    """Compare the verdicts of a folder's report with those of a report.json; return status and lines."""
    status = command.main(["report", "--check", str(verdicts / "reports" / "report.json"), "--out", str(out)])
    return status, " ".join("".join(capsys.readouterr()).split())


@pytest.fixture
def trap(smoke, tmp_path):
    """A study file that would create a folder if it was executed."""
    file = tmp_path / "theirs" / "my_study.py"
    file.parent.mkdir()
    code = f"import os\nos.makedirs({str(tmp_path / 'executed')!r}, exist_ok=True)\n"
    file.write_text(code + smoke.study.read_text(encoding="utf-8"), encoding="utf-8")
    return file


@pytest.mark.parametrize("change", ["another file", "another user", "no signature"])
def test_a_study_file_that_somebody_else_named_is_not_executed(smoke, out, trap, tmp_path, monkeypatch, capsys, change):
    if change == "another user":  # whose run was this
        save_request(load_request(out)._replace(study_names=(str(trap),)), out)
        monkeypatch.setattr(os, "getuid", lambda: 12345)
    else:
        rewrite(out, "signature" if change == "no signature" else "", studies=[str(trap)])
    status, text = check(out, smoke.out, capsys)
    assert status == 0 and f"Note: {NOTE}" in text
    assert command.main(["export", str(tmp_path / "results.zip"), "--out", str(out)]) == 0
    for origin in ("results.zip", "out"):
        copy = tmp_path / f"from {origin}"
        assert command.main(["import", str(tmp_path / origin), "--out", str(copy)]) == 0
        capsys.readouterr()
        assert check(copy, smoke.out, capsys) == (0, text)
    assert not (tmp_path / "executed").exists()
    assert load_request(out, [str(trap)]).note == "" and (tmp_path / "executed").exists()


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own
def test_records_from_mlflow_are_reported_without_a_study_file(smoke, tmp_path, monkeypatch, capsys):
    address = f"sqlite:///{smoke.out / 'mlflow.db'}"
    assert command.main(["import", address, "--out", str(tmp_path / "copy")]) == 0
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    monkeypatch.setattr(discovery, "run_file", lambda name: pytest.fail(f"{name} was executed"))
    assert command.main(["report", "--out", str(tmp_path / "copy")]) == 0
    assert f"Note: {NOTE}" in " ".join(capsys.readouterr().out.split())
    reports = [(out / "reports" / "report.json").read_bytes() for out in (tmp_path / "copy", smoke.out)]
    assert reports[0] == reports[1]


def test_ones_own_file_is_executed_so_that_an_edit_counts_and_a_named_copy_too(smoke, out, tmp_path):
    file = tmp_path / "my_study.py"
    shutil.copy(smoke.study, file)
    save_request(load_request(out)._replace(study_names=(str(file),)), out)
    file.write_text(file.read_text(encoding="utf-8").replace("margin=1", "margin=2"), encoding="utf-8")
    request = load_request(out)
    assert (request.studies[0].claims[0].stated[0].margin, request.note) == (2, "")
    file.rename(tmp_path / "moved.py")
    request = load_request(out)
    assert (request.studies[0].claims[0].stated[0].margin, request.note) == (1, NOTE)
    request = load_request(out, [str(tmp_path / "moved.py")])
    assert (request.studies[0].name, request.studies[0].claims[0].stated[0].margin, request.note) == ("moved", 2, "")


def test_a_study_without_a_file_is_stored_and_reported(smoke, out):
    _, source, setting = read_request(out / "run.json")
    timings = (Timing("steps", (), (8,), 3),)
    study = Study("Why?", (), arms={"a": {"without": ("conv3",)}}, timings=lambda _: timings, name="in a notebook")
    (relu,) = discovery.find_studies(["relu"])
    save_request(Request(("relu", "in a notebook"), [relu, study], setting, source), out)
    for names, expected in (((), [relu, study]), (("in a notebook",), [study])):
        request = load_request(out, names)
        assert [study.name for study in request.studies] == [study.name for study in expected]
        assert request.placed_jobs() == request._replace(studies=expected).placed_jobs()
        assert request.note == ""


@pytest.mark.parametrize("is_there", [True, False])
def test_a_request_of_an_earlier_version_asks_for_ones_own_copy(out, trap, capsys, is_there):
    if not is_there:
        trap.unlink()
    rewrite(out, "declarations", studies=["relu", str(trap)])
    assert command.main(["report", "--out", str(out)]) == 2
    line = capsys.readouterr().err
    reason = "was not named by you on this machine" if is_there else "is not found"
    assert f"run.json holds no declaration of the study my_study, and {trap} {reason}: name your own copy" in line
    assert not (trap.parent.parent / "executed").exists()
    assert line.count("\n") == 1 and f"ablate report relu PATH/TO/my_study.py --out {out}" in line


def test_a_damaged_declaration_is_refused_with_the_file_and_the_field(out, tmp_path, capsys):
    declaration = rewrite(out, studies=["/nowhere/my_study.py"])["declarations"]["my_study"]
    for change, message in (
        ({"code": "import os"}, "my_study is invalid: code is 'import os'"),
        ({"name": 3}, "my_study is invalid: name is 3"),
        ({"claims": [*declaration["claims"], *declaration["claims"]]}, "several claims have the id 'tanh-better'"),
        ({"base": {"dropout": 2}}, "dropout is 2"),
        ({"base": {"dropout": math.nan}}, "dropout is nan"),
        ({"base": {"colour": 1}}, "factor 'colour' is unknown"),
    ):
        rewrite(out, declarations={"my_study": declaration | change})
        assert command.main(["report", "--out", str(out)]) == 2
        line = capsys.readouterr().err
        assert message in line and line.count("\n") == 1
    rewrite(out, declarations={"my_study": declaration | {"code": "import os"}})
    assert command.main(["import", str(out), "--out", str(tmp_path / "copy")]) == 1
    assert "run.json is damaged (the declaration of study my_study is invalid: code" in " ".join(
        capsys.readouterr().out.split()
    )
    assert not (tmp_path / "copy" / "run.json").exists()


def test_a_request_of_more_bytes_than_any_is_neither_written_nor_read(out, monkeypatch):
    request = load_request(out)
    monkeypatch.setitem(store.MAX_BYTES, ".json", 1_000)
    with pytest.raises(InputError, match=r"run\.json would hold .* declare fewer arms"):
        save_request(request, out)
    with pytest.raises(InputError, match=r"run\.json is larger than any"):
        load_request(out)


def test_an_own_file_is_executed_on_a_machine_without_number_and_network(smoke, out, tmp_path, monkeypatch):
    (image := tmp_path / "machine-id").write_text("uninitialized\n")
    monkeypatch.setattr(
        machine_number, "MACHINE_FILES", (tmp_path / "absent", image, *machine_number.MACHINE_FILES[1:])
    )
    for number in (1, 2):  # as in two processes
        monkeypatch.setattr(machine_number, "getnode", lambda number=number: number)
        if number == 1:
            save_request(load_request(out), out)
    assert load_request(out).note == ""
