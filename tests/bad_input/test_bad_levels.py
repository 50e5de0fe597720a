"""A name that nothing implements, in a study file, is refused by the command in one line, before anything trains."""

import pytest

import ablate
from bench.components.levels import LEVELS

STUDY = """
from ablations import Ask, Claim, Contrast, ModelConfig, Study, Timing

PART = Contrast("test/accuracy", "a", "b", margin=1)
STUDY = Study("?", (Claim("mine", "A claim", (PART,)),), arms={"a": {}, "b": {"dropout": 0.0}, **ARMS}, **FIELDS)
"""


@pytest.fixture
def refusal(tmp_path, capsys):
    """The line with which the command refuses a study that has these arms and fields."""

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
    valid = ", ".join(LEVELS[factor])
    assert line == f"ablate: study odd, arm 'odd': {factor} is 'unheard-of'; it can be {valid}"


def test_an_unknown_question_is_refused(refusal):
    line = refusal(fields="{'probes': (Ask('why', ('a',)),)}")
    assert "a probe's question is 'why'; it can be " in line and "co-adaptation" in line


def test_an_unknown_subject_of_a_timing_is_refused(refusal):
    line = refusal(fields="{'timings': lambda setting: (Timing('epochs', (('a', ModelConfig()),), (8,), 3),)}")
    assert "a timing's subject is 'epochs'; it can be activations, steps, layers" in line


def test_an_unknown_level_of_a_count_is_refused(refusal):
    line = refusal(fields="{'counts': {'c': ModelConfig(activation='gelu')}}")
    assert "study odd, arm 'c': activation is 'gelu'; it can be relu" in line
