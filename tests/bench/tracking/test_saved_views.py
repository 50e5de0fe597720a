"""Saved views in the format of MLflow's web interface, and the addresses of pages."""

import base64
import dataclasses
import json
import zlib
from urllib.parse import parse_qs

import pytest

from bench.tracking import notes, saved_views
from bench.tracking.address import VIEWS_FILE, load_views, store_views, web_address
from bench.tracking.arm_run import Result, StudyArms

STUDY = StudyArms(
    "relu", "?", (), (), (), ("activation", "dropout"), ("time/step_ms", "test/accuracy"), ("train/accuracy",), {}
)
SETTING = "quick, cpu, float32"


def chart_metrics(state, section):
    charts = [chart for chart in state["compareRunCharts"] if chart["metricSectionId"] == section]
    return [(chart["type"], chart.get("metricKey")) for chart in charts]


def test_a_studys_view_shows_its_arms_with_its_factors_metrics_and_charts():
    state = saved_views.study_state(STUDY, SETTING)
    assert (
        state["searchFilter"]
        == "tags.setting = 'quick, cpu, float32' AND params.study = 'relu' AND tags.role != 'control'"
    )
    assert state["selectedColumns"] == [
        "params.`activation`",
        "params.`dropout`",
        "metrics.`time/step_ms`",
        "metrics.`test/accuracy`",
        "metrics.`seeds`",
    ]
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`time/step_ms`", False)
    assert chart_metrics(state, "Results") == [("BAR", "time/step_ms"), ("BAR", "test/accuracy")]
    assert chart_metrics(state, "Learning curves") == [("LINE", "train/accuracy")]
    (parallel,) = (chart for chart in state["compareRunCharts"] if chart["type"] == "PARALLEL")
    assert (parallel["selectedParams"], parallel["selectedMetrics"]) == (
        ["activation", "dropout"],
        ["time/step_ms", "test/accuracy"],
    )
    assert len({chart["uuid"] for chart in state["compareRunCharts"]}) == len(state["compareRunCharts"])
    sections = {section["uuid"] for section in state["compareRunSections"]}
    assert sections == {chart["metricSectionId"] for chart in state["compareRunCharts"]}


def test_the_view_of_all_studies_shows_the_arms_of_stated_comparisons():
    state = saved_views.whole_state([STUDY], SETTING)
    assert state["searchFilter"] == "tags.setting = 'quick, cpu, float32' AND tags.role = 'stated'"
    assert (state["orderByKey"], state["orderByAsc"]) == ("params.`study`", True)


def test_a_view_of_a_study_without_common_metrics_is_sorted_by_arm():
    study = dataclasses.replace(STUDY, factors=(), metrics=(), curves=())
    state = saved_views.study_state(study, SETTING)
    assert (state["orderByKey"], state["compareRunCharts"]) == ("params.`arm`", [])
    assert saved_views.whole_state([study], SETTING)["selectedColumns"][-1] == "metrics.`seeds`"


def test_a_view_is_json_whose_state_is_compressed():
    value = saved_views.encode_view("relu (quick)", 1234, {"a": 1})
    view = json.loads(value)
    method, _, data = view.pop("state").partition(";")
    assert (method, json.loads(zlib.decompress(base64.b64decode(data)))) == ("deflate", {"a": 1})
    assert view == {"name": "relu (quick)", "createdAt": 1234}
    assert saved_views.creation_ms(value) == 1234


@pytest.mark.parametrize("value", ["", "deflate;abc", "[]", "{}", '{"createdAt": null}'])
def test_a_view_that_a_user_shared_without_a_name_has_no_time(value):
    assert saved_views.creation_ms(value) == 0


def test_keys_are_the_same_for_every_run_and_differ_by_study_and_setting():
    keys = [saved_views.view_key(setting, study) for setting in (SETTING, "full") for study in ("", "relu", "dropout")]
    assert len(set(keys)) == 6
    assert keys[0] == "whole-073ee80e4bfd"


@pytest.mark.parametrize(
    "value, expected",
    [("relu", "params.arm = 'relu'"), ("it's", "params.arm LIKE 'it_s'"), ("a\\b", "params.arm LIKE 'a_b'")],
)
def test_a_condition_has_no_character_that_ends_its_value(value, expected):
    assert saved_views.condition("params.arm", value) == expected


def test_pages_are_those_of_model_training_and_views_open_on_charts():
    path, _, query = saved_views.view_page("3", "abc").partition("?")
    assert path == "#/experiments/3/runs"
    expected = {"viewStateShareKey": ["abc"], "compareRunsMode": ["CHART"], "workflowType": ["machine_learning"]}
    assert parse_qs(query) == expected
    query = parse_qs(saved_views.runs_page("3", ["a = 'x'", "b = 'y z'"]).partition("?")[2])
    assert query == {"searchFilter": ["a = 'x' AND b = 'y z'"], "workflowType": ["machine_learning"]}


@pytest.mark.parametrize(
    "version, supported",
    [("3.15.0", True), ("3.17.2", True), ("4.0.0rc1", True), ("3.14.2", False), ("2.22", False), ("", False)],
)
def test_saved_views_need_a_version_that_shows_them(version, supported):
    assert saved_views.supports_views(version) == supported


@pytest.mark.parametrize(
    "address, expected",
    [
        ("sqlite:////somewhere/mlflow.db", "http://127.0.0.1:5000"),
        ("postgresql://u:pw@h/db", "http://127.0.0.1:5000"),
        ("https://alice:pw@host:8080/mlflow/", "https://host:8080/mlflow"),
        ("http://alice:p@w@host?token=x", "http://host"),
    ],
)
def test_links_lead_to_a_server_or_to_the_local_interface_and_show_no_password(address, expected):
    assert web_address(address) == expected


def test_a_folder_keeps_the_addresses_of_its_pages(tmp_path):
    assert load_views(tmp_path) == {}
    store_views(tmp_path, {"": "http://h/#/1", "relu": "https://h/#/2"})
    assert load_views(tmp_path) == {"": "http://h/#/1", "relu": "https://h/#/2"}
    (tmp_path / VIEWS_FILE).unlink()
    (tmp_path / VIEWS_FILE).mkdir()
    store_views(tmp_path, {"": "http://h/#/1"})
    assert load_views(tmp_path) == {}


DAMAGED = (
    "",
    "[1]",
    '{"relu": 1}',
    '{"relu": "javascript:alert(1)"}',
    '{"relu": "httpx:alert(1)"}',
    "\x00",
    200_000 * "[",
)


@pytest.mark.parametrize("text", [*DAMAGED, json.dumps({"relu": f"http://h/{'x' * 3_000_000}"})], ids=range(8))
def test_addresses_that_are_none_are_passed_over(tmp_path, text):
    (tmp_path / VIEWS_FILE).write_text(text)
    assert load_views(tmp_path) == {}


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a*b_c [x](y) <b> `c` & d!", "a\\*b\\_c \\[x\\](y) &lt;b&gt; \\`c\\` &amp; d\\!"),
        ("1. first", "1\\. first"),
        ("- item\n# head", "\\- item \\# head"),
        ("p = 0.5, 62.3 %", "p = 0.5, 62.3 %"),
    ],
)
def test_text_is_shown_as_it_is(text, expected):
    assert notes.escape(text) == expected


def test_a_note_that_is_too_long_counts_what_it_leaves_out():
    study = StudyArms("relu", "?" * 90, (Result("relu", "refuted", "."),), (), (), (), (), (), {})
    line = notes.study_line(study, "#/experiments/1")
    assert line == f"**[relu](#/experiments/1)**: {'?' * 90} relu refuted"
    note = notes.make_note([line] * 60)
    assert len(note) <= 5000 and notes.is_own(note)
    left_out = 60 - note.count("relu refuted")
    assert f"And {left_out} more" in note and left_out > 0
