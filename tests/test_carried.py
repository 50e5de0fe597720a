"""Records that are exported and imported give the same report as where they were made."""

import json

import pytest


@pytest.fixture(scope="module")
def archive(ablate, smoke, tmp_path_factory):
    file = tmp_path_factory.mktemp("carried") / "results.zip"
    process = ablate("export", file, "--out", smoke.out)
    assert (process.returncode, process.stderr) == (0, ""), process.stderr
    assert process.stdout == f"8 records in {file}\n"
    return file


def report(out):
    return json.loads((out / "reports" / "report.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("import_route", ["a file", "a folder", "MLflow"])
def test_the_report_is_the_same_after_each_way(ablate, smoke, archive, tmp_path, import_route):
    origin = {"a file": archive, "a folder": smoke.out, "MLflow": f"sqlite:///{smoke.out / 'mlflow.db'}"}[import_route]
    imported = ablate("import", origin, "--out", tmp_path / "out", cwd=tmp_path)
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout == "8 records imported, 0 already here, 0 refused\n"
    declared = ablate("report", "--out", tmp_path / "out", cwd=tmp_path)
    assert declared.returncode == 0, declared.stderr
    assert report(tmp_path / "out") == report(smoke.out)
    named = ablate("report", smoke.study, "--out", tmp_path / "out", cwd=tmp_path)
    assert named.returncode == 0, named.stderr
    assert report(tmp_path / "out") == report(smoke.out)
    assert len(report(smoke.out)["claims"]) == 1 and len(report(smoke.out)["controls"]) == 2


def test_importing_twice_adds_nothing_and_a_refusal_sets_the_exit_status(ablate, smoke, archive, tmp_path):
    assert ablate("import", archive, "--out", tmp_path).returncode == 0
    file = min((tmp_path / "trials").glob("*.json"))
    second = ablate("import", archive, "--out", tmp_path)
    assert (second.returncode, second.stdout) == (0, "0 records imported, 8 already here, 0 refused\n")
    file = file.rename(file.with_name("0" * 16 + ".json"))
    returned = ablate("import", tmp_path, "--out", tmp_path / "other")
    assert returned.returncode == 1
    assert returned.stdout.splitlines() == [
        f"refused: {file} is not the record of its own job",
        "7 records imported, 0 already here, 1 refused",
    ]


def test_the_doctors_exit_status_shows_whether_something_is_left_to_fix(ablate, archive, tmp_path):
    ablate("import", archive, "--out", tmp_path)
    (tmp_path / "trials" / ("0" * 16 + ".json")).write_text("{")
    unhealthy, fixed, healthy = (ablate("doctor", *words, "--out", tmp_path) for words in ((), ("--fix",), ()))
    assert [process.returncode for process in (unhealthy, fixed, healthy)] == [1, 0, 0]
    assert unhealthy.stdout.startswith("broken ") and fixed.stdout.startswith("fixed ")
    assert healthy.stdout == "healthy\n"
