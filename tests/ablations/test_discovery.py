import json
import sys

import pytest
from project_studies import STUDIES

from ablations.framework import discovery
from bench.spec.errors import InputError


def test_studies_are_found_by_name_each_once_or_all_without_a_name():
    assert [study.name for study in discovery.find_studies(["relu", "lrn", "relu"])] == ["relu", "lrn"]
    assert [study.name for study in STUDIES] == discovery.study_names()
    assert {"architecture", "augmentation", "dropout", "kernels", "lrn", "relu"} <= set(discovery.study_names())


@pytest.mark.parametrize("name", ["nope", "study", "framework", "profiles", "", "../relu"])
def test_an_unknown_name_is_refused_with_those_that_exist(name):
    with pytest.raises(InputError, match=r"study .* not found: expected .*relu"):
        discovery.find_studies([name])


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "study file .*mine.py not found"),
        ("", r"holds no study: it must set STUDY = Study\(\.\.\.\)"),
        ("STUDY = 3", "holds no study"),
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named 'nothing_of_that_name'"),
        ("def", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
    ],
    ids=["missing", "empty", "number", "import", "syntax", "division"],
)
def test_an_invalid_file_is_refused_on_one_line_with_the_reason(tmp_path, text, message):
    file = tmp_path / "mine.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        discovery.find_studies([str(file)])
    assert "\n" not in str(caught.value)


def test_a_study_in_a_file_has_the_files_name(tmp_path):
    (tmp_path / "my_study.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    (study,) = discovery.find_studies([str(tmp_path / "my_study.py")])
    assert (study.name, study.question) == ("my_study", "Why?")


def test_a_file_may_define_a_dataclass_under_postponed_annotations(tmp_path):
    """A dataclass looks its annotations up in its module, by the module's name."""
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom ablations import Study\n"
        "@dataclass\nclass Pair:\n    first: str\nSTUDY = Study(Pair('Why?').first, ())\n"
    )
    (study,) = discovery.find_studies([str(tmp_path / "mine.py")])
    assert study.question == "Why?"


def test_a_file_does_not_replace_a_module_of_the_same_name(tmp_path):
    (tmp_path / "json.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    discovery.find_studies([str(tmp_path / "json.py")])
    assert sys.modules["json"] is json


def test_a_file_may_import_from_ablations_study_as_before(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from ablations.study import Claim, Contrast, Study\n"
        "part = Contrast('test/accuracy', 'a', 'b', margin=1)\n"
        "STUDY = Study('Why?', (Claim('c', 'C', (part,)),), arms={'a': {}, 'b': {'dropout': 0.0}})\n"
    )
    (study,) = discovery.find_studies([str(tmp_path / "mine.py")])
    assert study.claims[0].parts[0].arm == "a"


def test_two_studies_of_one_name_are_refused(tmp_path):
    file = tmp_path / "relu.py"
    file.write_text("from ablations.relu import STUDY")
    with pytest.raises(InputError, match="two studies are called relu"):
        discovery.find_studies(["relu", str(file)])


def test_two_claims_of_one_id_are_refused(tmp_path):
    """A verdict is found by its claim's id."""
    file = tmp_path / "mine.py"
    file.write_text("from ablations.lrn import STUDY")
    with pytest.raises(InputError, match=r"several claims have the id '[a-z-]+' \(lrn and mine\): rename them"):
        discovery.find_studies(["lrn", str(file)])
    part = "Contrast('test/accuracy', 'relu', 'tanh', margin=1)"
    claim = f"Claim('c', 'C', ({part},))"
    file.write_text(f"from ablations import Claim, Contrast, Study\nSTUDY = Study('?', ({claim}, {claim}))\n")
    with pytest.raises(InputError, match=r"several claims have the id 'c' \(mine and mine\)"):
        discovery.find_studies([str(file)])


def test_a_module_whose_name_begins_with_an_underscore_is_no_study(tmp_path, monkeypatch):
    for name in ("mine", "_shared"):
        (tmp_path / f"{name}.py").touch()
    monkeypatch.setattr("ablations.__path__", [str(tmp_path)])
    assert discovery.study_names() == ["mine"]
