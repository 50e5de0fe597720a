"""Comparison of a stored report with the current records."""

import json
import shutil

import fabricate
import handmade
import pytest

import ablate
import commands.report
from ablations.framework.request import Request
from reports import check
from reports.report import write_report
from reports.verdict_json import judgement_to_json

STUDY, SETTING = fabricate.activations(), fabricate.setting()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """An output folder with records and their report, which tests must not change."""
    folder = tmp_path_factory.mktemp("written")
    fabricate.write(folder, [STUDY], SETTING)
    write_report(folder, [STUDY], SETTING)
    return folder


@pytest.fixture
def out(written, tmp_path, monkeypatch):
    """A copy of the folder, and a request stored without a run."""
    monkeypatch.setattr(commands.report, "load_request", lambda *_: Request((), [STUDY], SETTING, None))
    return shutil.copytree(written, tmp_path / "out")


@pytest.fixture
def stored(out):
    return out / "reports" / "report.json"


def check_report(capsys, out, file):
    """Run the check; return its exit status and lines, after testing that it wrote no file."""
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    status = ablate.main(["report", "--check", str(file), "--out", str(out)])
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    output = capsys.readouterr()
    return status, (output.out + output.err).splitlines()


def test_where_all_verdicts_agree_one_line_says_so(capsys, out, stored):
    assert check_report(capsys, out, stored) == (0, [f"All 5 verdicts are the same as in {stored}."])


def test_each_verdict_that_differs_has_a_line_with_both(capsys, out, stored):
    report = json.loads(stored.read_text())
    now = {entry["id"]: entry["verdict"] for entry in report["claims"]}
    fabricate.amend(out, lambda record: {"status": "failed"} if record["kind"] == "timing" else {})
    lines = [f"relu-step (activations): stored '{now['relu-step']}', now 'not run'"]
    assert check_report(capsys, out, stored) == (1, lines)


def test_claims_that_appear_or_disappear_are_differences(capsys, out, stored):
    report = json.loads(stored.read_text())
    report["claims"][0]["id"] = "another\x1b[2J\n"
    stored.write_text(json.dumps(report))
    status, lines = check_report(capsys, out, stored)
    verdict = report["claims"][0]["verdict"]
    assert status == 1
    assert lines == [
        f"another\\x1b[2J\\n (activations): stored '{verdict}', now no such claim",
        f"relu-better (activations): stored no such claim, now '{verdict}'",
    ]


def test_two_claims_of_a_study_with_one_name_are_both_compared():
    entry = {"study": "s", "id": "c", "verdict": "supported", "checks": []}
    reports = [{"claims": [{**entry, "verdict": first}, entry], "controls": []} for first in ("refuted", "negligible")]
    before, now = map(check.collect_verdicts, reports)
    assert check.compare_verdicts(before, now) == ["c (s): stored 'refuted, supported', now 'negligible, supported'"]


def test_verdicts_of_robustness_checks_are_compared_and_whether_they_differ():
    reports = [
        {"claims": [judgement_to_json(handmade.judgement(checks=(handmade.check(differs),)))], "controls": []}
        for differs in (False, True)
    ]
    before, now = map(check.collect_verdicts, reports)
    assert check.compare_verdicts(before, now) == [
        "augmentation, twice the epochs (augmentation): stored 'supported', "
        "now 'supported, different from the stated setting'"
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"3",
        b"[" * 100_000,
        b'{"claims": []}',
        b'{"claims": 1, "controls": []}',
        b'{"claims": [{"id": "a"}], "controls": []}',
        b'{"claims": [{"id": "a", "study": "s", "verdict": 3}], "controls": []}',
    ],
    ids=range(9),
)
def test_a_file_that_is_no_report_is_refused_in_one_line(capsys, out, content):
    other = out / "other.json"
    other.write_bytes(content)
    assert check_report(capsys, out, other) == (
        2,
        [f"ablate: {other} is no report.json: name one that 'ablate report' wrote"],
    )


def test_a_file_of_the_first_format_is_read_and_one_of_a_later_version_is_refused(capsys, out, stored):
    report = json.loads(stored.read_text())
    later = f"has version 2 of report.json, and this installation reads version {report['version']}: update it"
    del report["version"]
    stored.write_text(json.dumps(report))
    assert check_report(capsys, out, stored)[0] == 0
    stored.write_text(json.dumps({"version": 2, "results": []}))
    assert check_report(capsys, out, stored) == (2, [f"ablate: {stored} {later}"])


def test_a_missing_file_or_a_folder_is_refused_in_one_line(capsys, out):
    for file, why in ((out / "absent.json", "No such file or directory"), (out, "Is a directory")):
        assert check_report(capsys, out, file) == (
            2,
            [f"ablate: {file} cannot be read ({why}): name a stored report.json"],
        )
