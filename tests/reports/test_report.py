"""Files of a report."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
import subprocess
import sys
from io import StringIO
from types import SimpleNamespace

import fabricate
import pytest
from matplotlib import font_manager
from rich.console import Console

from ablations import AGAIN, Tuning
from ablations.framework.expand import expand_study
from ablations.framework.request import Request
from ablations.framework.tuning import tune
from bench.records import store
from reports import report, terminal
from reports.report import write_report

FILES = ("report.html", "report.pdf", "report.json", "trials.csv")


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    fabricate.write(out, [fabricate.activations()], fabricate.setting(), lost_trials=[("sigmoid", 1)])
    write_report(out, [fabricate.activations()], fabricate.setting())
    return out


def test_the_four_files_are_written_and_nothing_else(out):
    assert sorted(path.name for path in (out / "reports").iterdir()) == sorted(FILES)


def test_the_same_records_give_the_same_bytes(out):
    before = {name: (out / "reports" / name).read_bytes() for name in FILES}
    write_report(out, [fabricate.activations()], fabricate.setting())
    assert {name: (out / "reports" / name).read_bytes() for name in FILES} == before


def test_a_chapter_ends_with_the_link_to_its_arms_in_mlflow_and_the_verdicts_do_not_depend_on_it(out, tmp_path):
    shutil.copytree(out / "trials", tmp_path / "trials")
    views = {"": "http://server/#/all", "activations": "http://server/#/runs?a=1&b=2"}
    write_report(tmp_path, [fabricate.activations()], fabricate.setting(), (0, 0), views)
    page = (tmp_path / "reports" / "report.html").read_text()
    assert page.count('href="http://server/#/runs?a=1&amp;b=2"') == 1 and "http://server/#/all" not in page
    link = page.index("Sort, group and compare these arms in MLflow<")
    assert page.index("One learning rate for all.") < link < page.index("How to read a verdict</h2>")
    assert b"http://server/#/runs?a=1&b=2" in (tmp_path / "reports" / "report.pdf").read_bytes()
    for name in ("report.json", "trials.csv"):
        assert (tmp_path / "reports" / name).read_bytes() == (out / "reports" / name).read_bytes()


def test_a_link_to_the_interface_on_this_machine_says_how_to_start_it(tmp_path):
    fabricate.write(tmp_path, [fabricate.sizes()], fabricate.setting())
    views = {"sizes": "http://127.0.0.1:5000/#/runs"}
    write_report(tmp_path, [fabricate.sizes()], fabricate.setting(), (0, 0), views)
    assert "in MLflow (start `ablate ui` first)</a>" in (tmp_path / "reports" / "report.html").read_text()


def test_the_json_holds_each_claim_with_what_decided_it(out):
    stored = json.loads((out / "reports" / "report.json").read_text())
    keys = {"id", "verdict", "estimate", "interval", "margin", "unit", "pairs", "p_value", "p_holm", "trials"}
    assert [claim["id"] for claim in stored["claims"]] == ["relu-better", "relu-gap", "relu-step"]
    assert all(keys <= claim.keys() for claim in stored["claims"] + stored["controls"])
    assert stored["run"]["Trials"] == "15 different: 14 finished, 1 diverged"
    assert stored["environments"] == [{"processes": 1, **fabricate.ENVIRONMENT}]


def test_the_table_of_trials_has_one_row_per_trial(out):
    rows = list(csv.DictReader((out / "reports" / "trials.csv").read_text().splitlines()))
    assert len(rows) == 15
    assert [row["status"] for row in rows].count("diverged") == 1
    assert [(row["pair"], row["seed"]) for row in rows if row["arm"] == AGAIN] == [
        (str(n), f"100{n}") for n in range(3)
    ]


FORMULAS = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "  =1": "'  =1",
    "\u3000\uff1d1": "'\u3000\uff1d1",
    "\u200b@x": "'\u200b@x",
    "\uff0b1": "'\uff0b1",
    "relu;=1": "relu;'=1",
    "\t=1": "\\t=1",
    "\r=1": "\\r=1",
    '=HYPERLINK("x","y")': '\'=HYPERLINK("x","y")',
}


def test_no_name_in_the_table_of_trials_is_a_formula_to_a_spreadsheet(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "render_pdf", lambda *_: b"")
    arms = {name: {"dropout": number / 20} for number, name in enumerate(FORMULAS)}
    study = dataclasses.replace(fabricate.sizes(), name="=1", arms=arms)
    fabricate.write(tmp_path, [study], fabricate.setting(seeds=1))
    write_report(tmp_path, [study], fabricate.setting(seeds=1))
    with (tmp_path / "reports" / "trials.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {row["arm"] for row in rows} == set(FORMULAS.values())
    assert {row["study"] for row in rows} == {"'=1"}


def test_no_name_of_a_metric_is_a_formula_to_a_spreadsheet(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "render_pdf", lambda *_: b"")
    study, setting = dataclasses.replace(fabricate.sizes(), arms={"relu": {}}), fabricate.setting(seeds=1)
    fabricate.write(tmp_path, [study], setting)
    file = next(file for file in store.folder(tmp_path).glob("*.json") if json.loads(file.read_text()).get("points"))
    record = json.loads(file.read_text())
    record["points"][-1]["metrics"]["=cmd|'/c calc'!A1"] = 1.0
    store.write(tmp_path, record)
    write_report(tmp_path, [study], setting)
    header = (tmp_path / "reports" / "trials.csv").read_text().partition("\n")[0]
    assert "'=cmd" in header and ",=cmd" not in header


def test_a_report_needs_no_torch():
    code = "import sys, reports.report; sys.exit('torch' in sys.modules or 'mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_letters_that_cannot_be_shown_are_named_in_the_report_and_at_the_end_of_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    study = dataclasses.replace(fabricate.sizes(), question="\u5b8c?")
    fabricate.write(tmp_path, [study], fabricate.setting(seeds=1))
    request, console = Request((), [study], fabricate.setting(seeds=1), SimpleNamespace(note="")), StringIO()
    terminal.show_report(request, tmp_path, Console(file=console, width=1000))
    remark = "No font on this machine has a glyph for \u5b8c (U+5B8C)"
    assert remark in console.getvalue()
    assert remark in (tmp_path / "reports" / "report.html").read_text(encoding="utf-8")


def make_request(study, setting):
    return Request((), [study], setting, SimpleNamespace(note=""))


def page_text(out):
    return (out / "reports" / "report.html").read_text(encoding="utf-8")


def lose_records(out, arm):
    """Remove the records of an arm's trials; return the numbers of trials with a record and of all trials."""
    trials = {place for place in expand_study(fabricate.activations(), fabricate.setting()) if place.seed is not None}
    lost = [place.job for place in trials if place.arm == arm]
    for job in lost:
        store.path(out, job).unlink()
    return len(trials) - len(lost), len(trials)


def test_a_report_of_a_run_in_progress_says_so_reloads_and_leaves_the_other_files(out, tmp_path):
    shutil.copytree(out, tmp_path / "out")
    (tmp_path / "out" / "reports" / "report.html").unlink()
    before = {name: (out / "reports" / name).read_bytes() for name in FILES[1:]}
    done, total = lose_records(tmp_path / "out", "tanh")
    report.write_live_report(make_request(fabricate.activations(), fabricate.setting()), tmp_path / "out")
    text = page_text(tmp_path / "out")
    assert (done, total) == (12, 15) and "In progress: 12 of 15 trials; verdicts may change" in text
    assert "Incomplete" not in text and "setTimeout(() => location.reload(), 30000)" in text
    assert {name: (tmp_path / "out" / "reports" / name).read_bytes() for name in FILES[1:]} == before


def test_a_report_of_a_stopped_run_says_what_is_missing_and_a_whole_one_says_nothing(out, tmp_path, monkeypatch):
    monkeypatch.setattr(report, "render_pdf", lambda *_: b"")
    shutil.copytree(out, tmp_path / "out")
    request = make_request(fabricate.activations(), fabricate.setting())
    terminal.show_report(request, tmp_path / "out", Console(file=StringIO()))
    assert page_text(tmp_path / "out") == page_text(out)
    lose_records(tmp_path / "out", "tanh")
    terminal.show_report(request, tmp_path / "out", Console(file=StringIO()))
    text = page_text(tmp_path / "out")
    assert "Incomplete: 12 of 15 trials; run the same command again" in text
    for words in ("n progress", "location.reload"):
        assert words not in text and words not in page_text(out)


def test_trials_that_tuning_will_add_are_counted(tmp_path):
    """Both rounds of the search for one arm, with two seeds each, and the arms' own trials."""
    tuning = Tuning("learning_rate", (0.01, 0.02, 0.04), ("relu",))
    study = dataclasses.replace(fabricate.activations(), tuning=tuning)
    request = make_request(study, fabricate.setting())
    assert report.count_trials(request, tmp_path) == (0, 15 + 3 * 2 + 2 * 2)
    first = tune(study, fabricate.setting(), lambda _: None).trials[0].job
    store.write(tmp_path, {**store.new_record(first), "status": "failed"})
    assert report.count_trials(request, tmp_path) == (1, 25)
