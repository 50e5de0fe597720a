"""Names without an implementation, in study files and records, are refused in one line that lists the valid ones."""

from dataclasses import replace

import pytest

import ablate
from bench.components.levels import LEVELS
from bench.records import store
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.fields import list_names
from bench.spec.jobs import Probe, Timing, Trial

STUDY = """
from ablations import Ask, Claim, Contrast, ModelConfig, Study, Timing

PART = Contrast("test/accuracy", "a", "b", margin=1)
STUDY = Study("?", (Claim("mine", "A claim", (PART,)),), arms={"a": {}, "b": {"dropout": 0.5}, **ARMS}, **FIELDS)
"""


@pytest.fixture
def refusal(tmp_path, capsys):
    """Return the line with which the command refuses a study with these arms and fields."""

    def refuse(arms="{}", fields="{}"):
        file = tmp_path / "odd.py"
        file.write_text(STUDY.replace("**ARMS", f"**{arms}").replace("**FIELDS", f"**{fields}"))
        folders = ["--out", str(tmp_path / "out"), "--data", "digits", "--device", "cpu"]
        assert ablate.main(["run", str(file), "--profile", "smoke", *folders]) == 2
        assert not list((tmp_path / "out").glob("trials/*"))
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return refuse


@pytest.mark.parametrize("factor", LEVELS)
def test_an_unknown_level_is_refused_with_the_study_the_arm_and_the_valid_levels(refusal, factor):
    line = refusal(arms=f"{{'odd': {{'{factor}': 'unheard-of'}}}}")
    valid = list_names(LEVELS[factor])  # other tests of this process may declare levels
    assert line == f"ablate: study odd, arm 'odd': {factor} is 'unheard-of'; it can be {valid}"


@pytest.mark.parametrize("epochs", ["0", "-3"])
def test_a_number_of_epochs_that_is_not_above_0_is_not_rounded_to_1(refusal, epochs):
    assert "arm 'odd': epochs is " in refusal(arms=f"{{'odd': {{'epochs': {epochs}}}}}")


def test_an_unknown_question_is_refused(refusal):
    line = refusal(fields="{'probes': (Ask('why', ('a',)),)}")
    assert "a probe's question is 'why'; it can be " in line and "co-adaptation" in line


def test_an_unknown_subject_of_a_timing_is_refused(refusal):
    line = refusal(fields="{'timings': lambda setting: (Timing('epochs', (('a', ModelConfig()),), (8,), 3),)}")
    assert "a timing's subject is 'epochs'; it can be activations, steps, layers" in line


def test_an_unknown_level_of_a_count_is_refused(refusal):
    line = refusal(fields="{'counts': {'c': ModelConfig(activation='gelu')}}")
    assert "study odd, arm 'c': activation is 'gelu'; it can be relu" in line


TRIAL = Trial(ModelConfig(), TrainConfig(), DataConfig("0123456789abcdef", classes=10, train=100), 0)
LAYER = {"name": "fc6", "kind": "fc", "parameters": 1, "macs": 1}
NETWORK = {"parameters": 1, "macs": 1, "layers": [LAYER]}
MEASURED = {
    "data": {"name": "d", "digest": "0", "note": "", "train": 100, "validation": 9, "test": 9, "shared_images": 0},
    "points": [{"step": 0, "epoch": 0, "time": 1.0, "metrics": {"test/accuracy": 0.5}}],
    "network": NETWORK,
    "samples": [],
    "fit": True,
}


def odd_trial(factor):
    part = "model" if hasattr(TRIAL.model, factor) else "recipe"
    return replace(TRIAL, **{part: replace(getattr(TRIAL, part), **{factor: "unheard-of"})})


def unknown_level(factor):
    return f"{factor} is 'unheard-of'; it can be {list_names(LEVELS[factor])}"


JOBS = [
    *((odd_trial(factor), unknown_level(factor)) for factor in LEVELS),
    (Probe("why", (TRIAL,)), "a probe's question is 'why'; it can be "),
    (Timing("epochs", (("a", ModelConfig()),), (8,), 3), "a timing's subject is 'epochs'; it can be activations, "),
]


@pytest.mark.parametrize("job, message", JOBS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_hand_made_record_is_refused_by_import_and_found_by_the_doctor(tmp_path, capsys, job, message):
    record = store.new_record(job) | MEASURED | {"started": 1.0, "ended": 2.0, "environment": {}, "reason": ""}
    file = store.write(tmp_path / "elsewhere", record | {"status": "finished"})
    assert ablate.main(["import", str(tmp_path / "elsewhere"), "--out", str(tmp_path / "out")]) == 1
    assert f"refused: {file.name} is no record of this version: {message}" in " ".join(capsys.readouterr().out.split())
    assert ablate.main(["doctor", "--out", str(tmp_path / "elsewhere")]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("broken")]
    assert message in line
