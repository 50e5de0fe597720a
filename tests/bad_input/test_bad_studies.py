"""A level or a study that cannot be used is refused in one line, before anything trains."""

import sys

import pytest
from inputs import WIDE, refusal, written

from ablations import Setting
from ablations.framework import discovery, request
from ablations.framework.profiles import PROFILES
from bench.spec.config import DataConfig, ModelConfig, TrainConfig

DATA = DataConfig("0123456789abcdef", classes=10, train=100)


# Settings


@pytest.mark.parametrize(
    "kind, levels, message",
    [
        (TrainConfig, {"epochs": 2.5}, "epochs is 2.5; it must be a whole number"),
        (TrainConfig, {"batch": 16.0}, "batch is 16.0; it must be a whole number"),
        (TrainConfig, {"epochs": True}, "epochs is True"),
        (TrainConfig, {"share": float("nan")}, "share is nan"),
        (TrainConfig, {"augmentation": ["both"]}, "augmentation is ['both']"),
        (ModelConfig, {"extra": 0.5}, "extra is 0.5"),
        (ModelConfig, {"without": None}, "write the layers as a tuple"),
        (ModelConfig, {"without": (3,)}, "cannot leave out 3"),
        (ModelConfig, {"width": "wide"}, "width is 'wide'"),
    ],
    ids=str,
)
def test_a_level_of_another_type_is_refused(kind, levels, message):
    assert message in refusal(lambda: kind(**levels))


# Study files


@pytest.mark.parametrize(
    "code, message",
    [
        ("raise SystemExit(0)", "mine.py, line 8: SystemExit: 0"),
        ("import os\nos._exit(0)", "mine.py, line 9: SystemExit: os._exit(0)"),
        ("quit()", "mine.py, line 8: SystemExit: None"),
        ("input('name: ')", "mine.py, line 8: EOFError"),
        ("raise BaseException", "mine.py, line 8: BaseException"),
        ("raise KeyboardInterrupt('x')", "mine.py, line 8: KeyboardInterrupt: x"),
        ("x = = 1", "mine.py, line 8, column 5: SyntaxError: invalid syntax"),
        ("import json\njson.loads('{')", "mine.py, line 9: JSONDecodeError"),
        ("raise ValueError('two\\nlines')", r"ValueError: two\nlines"),
        ("def f(): f()\nf()", "RecursionError"),
        ("STUDY = study(claims=CLAIM)", "one alone needs a comma: (Claim(...),)"),
        ("STUDY = study(claims=(Claim('c', 'C', PART),))", "one alone needs a comma: (Contrast(...),)"),
        ("STUDY = study(claims=(3,))", "claims.0 is 3: expected an instance of Claim"),
        ("STUDY = study(arms=['a', 'b'])", "arms is ['a', 'b']: expected a dictionary"),
        ("STUDY = study(arms={1: {}})", "arms.1.[key] is 1: expected text"),
        ("STUDY = study(arms={'a': None, 'b': {}})", "arms.a is None: expected a dictionary"),
        ("STUDY = study(arms={'a': {}, 'again': {}})", "has the name of a control"),
        ("STUDY = study(counts={'c': 'Model'})", "counts.c is 'Model': expected an instance of ModelConfig"),
        ("STUDY = study(scale='Layers')", "scale is 'Layers': expected an instance of Scale"),
        (
            "from ablations import Scale\nSTUDY = study(scale=Scale('Layers', {'a': 8}))",
            "scale.series.a is 8: expected a dictionary",
        ),
        ("STUDY = study(seeds={'quick': '3'})", "seeds.quick is '3': expected a valid integer"),
        ("from ablations import Ask\nSTUDY = study(probes=(Ask('activity', 'a'),))", "one alone needs a comma: ('a',)"),
        (
            "STUDY = study(tuning={'dropout': (0.1, 0.3)})",
            "expected an instance of Tuning",
        ),
        ("STUDY = study(timings=3)", "timings is 3: expected a function"),
        ("STUDY = study(claims=(Claim('c', 'C', (Contrast(3, 'a', 'b', margin=1),)),))", "metric is 3: expected text"),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Contrast('test/loss', 'a', None, margin=1),)),))",
            "reference is None: expected text or a valid number",
        ),
        ("STUDY = study(claims=(Claim('c', 'C', (Contrast('test/loss', 'a', 'a', margin=1),)),))", "'a' with itself"),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Contrast('test/loss', 'a', float('inf'), margin=1),)),))",
            "reference is inf: expected text or a finite number",
        ),
        ("STUDY = study(claims=(Claim('c', 'C', (Contrast('m', 'a', 'b', 1e16),)),))", "stated.0: a margin is 1e+16"),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Contrast('m', 'a', 'b', float('inf')),)),))",
            "claims.0.stated.0.margin is inf: expected a finite number",
        ),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Contrast('m', 'a', 'b', '1'),)),))",
            "margin is '1': expected a valid",
        ),
        (
            "import decimal as d\nSTUDY = study(claims=(Claim('c', 'C', (Contrast('m', 'a', 'b', d.Decimal(1)),)),))",
            "claims.0.stated.0.margin: Decimal('1') is no int or float",
        ),
        ("STUDY = study(claims=(Claim('c', 'C', (Exact('m', 'a', 2, 1),)),))", "the bounds are 2 and 1"),
        ("STUDY = study(claims=(Claim('c', 'C', None),))", "claims.0.stated is None: expected a tuple"),
        ("STUDY = study(claims=(Claim('c', 'C', (PART,), published=Published('1', 'p')),))", "published is Published("),
        ("STUDY = study(claims=(c for c in [CLAIM]))", "claims is <generator"),
        ("STUDY = study(arms=None)", "arms is None: expected a dictionary"),
        ("STUDY = study(arms={'a' * 3000: {}, 'b': {}})", "expected at most 200 characters"),
        ("STUDY = study(seeds='3')", "seeds is '3': expected a dictionary"),
        ("STUDY = study(seeds={'quick': 10**9})", "seeds.quick is 1000000000: expected less than or equal to 1000"),
        ("STUDY = study(seeds={'fast': 3})", "a profile of the seeds is 'fast'; it can be smoke, quick"),
        ("STUDY = study(tuning=Tuning('dropout', None, ('a',)))", "tuning.grid is None: expected a tuple"),
        ("STUDY = study(tuning=Tuning('dropout', (0.1, 0.2, 0.3), ('a',), 1))", "a tuning's ratio is 1"),
        (
            "STUDY = study(claims=(Claim('c', 'C', (Exact('macs/total', 'a', float('nan'), 2.0),)),))",
            "low is nan: expected a finite number",
        ),
        ("STUDY = study(arms={'a': {}, '\\udcff': {}})", "half a character"),
        ("STUDY = study(question='\\udcff?')", "half a character"),
        ("STUDY = study(claims=(Claim('c', '\\udcff', (PART,)),))", "half a character"),
        ("STUDY = Study", "holds no study"),
        ("STUDY = study(margin=1)", "TypeError"),
    ],
    ids=ascii,
)
def test_a_study_file_that_cannot_be_used_says_why(tmp_path, code, message):
    error_line = refusal(discovery.find_studies, [written(tmp_path, code)])
    assert message in error_line and str(tmp_path / "mine.py") in error_line


def test_a_mistake_in_a_file_beside_the_study_names_that_file(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.path", list(sys.path))
    for code, place in (("def f(:", "line 1, column 7: SyntaxError"), ("\n1 / 0", "line 2: ZeroDivisionError")):
        (tmp_path / "helper_with_a_mistake.py").write_text(code)
        study = written(tmp_path, "import helper_with_a_mistake")
        assert f"mine.py is no valid study: helper_with_a_mistake.py, {place}" in refusal(
            discovery.find_studies, [study]
        )


@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"\0", b"x = '\xff'"], ids=["utf-16", "nul", "latin-1"])
def test_a_study_file_that_is_no_text_is_refused(tmp_path, content):
    (tmp_path / "mine.py").write_bytes(content)
    assert "mine.py is no valid study" in refusal(discovery.find_studies, [str(tmp_path / "mine.py")])


def test_a_folder_a_link_and_a_long_name_for_a_study_are_refused(tmp_path):
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    assert "folder.py is no regular file" in refusal(discovery.find_studies, [str(tmp_path / "folder.py")])
    assert "loop.py not found" in refusal(discovery.find_studies, [str(tmp_path / "loop.py")])
    assert "x.py not found" in refusal(discovery.find_studies, [f"{WIDE}.py"])
    assert "not found: expected architecture, " in refusal(discovery.find_studies, [str(tmp_path)])


def test_a_study_whose_jobs_cannot_be_made_is_refused(tmp_path):
    named = "STUDY = study(timings=lambda setting: (Timing('steps', (('\\udcff', ModelConfig()),), (8,), 3),))"
    failing, leaving = (f"STUDY = study(timings=lambda setting: {call})" for call in ("1 / 0", "exit()"))
    for code in (failing, leaving, named):
        (study,) = discovery.find_studies([written(tmp_path, code)])
        error_line = refusal(request._study_jobs, study, Setting(PROFILES["smoke"], DATA))
        assert "study mine cannot be used: " in error_line


@pytest.mark.parametrize(
    "code, message",
    [
        ("study(base={'epochs': 'many'})", "arm 'a': epochs is 'many'; it must be a number"),
        ("study(arms={'a': {}, 'b': {'epochs': float('inf')}})", "arm 'b': epochs is inf"),
        ("study(arms={'a': {}, 'b': {'share': None}})", "arm 'b': share is None"),
        ("study(arms={'a': {}, 'b': {'layout': []}})", "arm 'b': layout is []; it can be alexnet-32"),
        ("study(arms={'a': {}, 'b': {'device': 'gpu'}})", "arm 'b': device is 'gpu'; it can be cpu, cuda"),
        ("study(arms={'a': {}, 'b': {'without': ('\\udcff',)}})", "write the layers' names"),
        ("study(timings=lambda setting: None)", "timings is None: expected a tuple"),
        ("study(timings=lambda setting: (3,))", "timings.0 is 3: expected an instance of Timing"),
        (
            "study(timings=lambda setting: (Timing('steps', (('a', ModelConfig()),), (8,), '3'),))",
            "study mine cannot be used: timings.0.rounds is '3': expected a valid integer",
        ),
    ],
    ids=ascii,
)
def test_a_level_or_a_timing_of_another_type_is_refused(tmp_path, code, message):
    (study,) = discovery.find_studies([written(tmp_path, f"STUDY = {code}")])
    assert message in refusal(request._study_jobs, study, Setting(PROFILES["smoke"], DATA))


def test_a_scale_that_names_no_arm_of_the_study_is_refused(tmp_path):
    code = "from ablations import Scale\nSTUDY = study(scale=Scale('Layers', {'line': {'nowhere': 8}}))"
    (study,) = discovery.find_studies([written(tmp_path, code)])
    assert "arm 'nowhere' is unknown" in refusal(request._study_jobs, study, Setting(PROFILES["smoke"], DATA))
