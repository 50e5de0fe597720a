import importlib.util
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from project_studies import STUDIES

import ablations
from ablations.framework import discovery
from bench.extensions import decorators
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


def test_a_study_of_the_package_does_not_replace_the_decorator_of_its_name():
    discovery.find_studies(["augmentation"])
    assert ablations.augmentation is decorators.augmentation


def test_a_study_in_a_file_has_the_files_name(tmp_path):
    (tmp_path / "my_study.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    (study,) = discovery.find_studies([str(tmp_path / "my_study.py")])
    assert (study.name, study.question) == ("my_study", "Why?")


def test_a_file_may_define_a_dataclass_under_postponed_annotations(tmp_path):
    """A dataclass looks up its annotations in the module of its name."""
    (tmp_path / "mine.py").write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom ablations import Study\n"
        "@dataclass\nclass Pair:\n    first: str\nSTUDY = Study(Pair('Why?').first, ())\n"
    )
    (study,) = discovery.find_studies([str(tmp_path / "mine.py")])
    assert study.question == "Why?"


def test_a_file_does_not_replace_a_module_of_the_same_name(tmp_path):
    """Nor does one beside it, which a library would import after it."""
    (tmp_path / "json.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    (tmp_path / "this.py").write_text("raise RuntimeError")
    discovery.find_studies([str(tmp_path / "json.py")])
    assert sys.modules["json"] is json
    assert importlib.util.find_spec("this").origin != str(tmp_path / "this.py")


@pytest.fixture
def study_with_helper(tmp_path, monkeypatch):
    """A function that writes a study and a module beside it, which gives its question and its timings."""
    monkeypatch.setattr("sys.path", list(sys.path))
    helpers = []

    def write(folder, helper, stem="mine"):
        helpers.append(helper)
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{helper}.py").write_text(f"QUESTION = 'Why {folder}?'\nTIMINGS = ({folder!r},)\n")
        (tmp_path / folder / f"{stem}.py").write_text(
            f"from ablations import Study\nfrom {helper} import QUESTION\n"
            f"def timings(setting):\n    import {helper}\n    return {helper}.TIMINGS\n"
            "STUDY = Study(QUESTION, (), timings=timings)\n"
        )
        return str(tmp_path / folder / f"{stem}.py")

    yield write
    for name in helpers:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("helper", ["a_helper_of_mine", "imaplib"], ids=["new", "of Python's own"])
def test_a_file_may_import_files_beside_it(study_with_helper, helper):
    """Now and inside its functions."""
    (study,) = discovery.find_studies([study_with_helper("one", helper)])
    assert study.question == "Why one?" and study.timings(None) == ("one",)


def test_two_files_with_different_modules_of_one_name_beside_them_are_refused(study_with_helper):
    """Python imports a module once: the second would get the first one's."""
    names = [study_with_helper(folder, "a_helper_of_mine", stem=f"study_{folder}") for folder in ("one", "two")]
    with pytest.raises(
        InputError, match=r"one/a_helper_of_mine.py and .*two/a_helper_of_mine.py have the same name: rename"
    ):
        discovery.find_studies(names)
    third = study_with_helper("three", "another_helper", stem="study_three")
    assert len(discovery.find_studies([names[0], third])) == 2


def test_a_file_is_a_module_with_a_place(tmp_path, monkeypatch):
    """Its objects can be pickled, it can read files beside it, and it is not run as a script."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "question.txt").write_text("Why?")
    (tmp_path / "mine v1.2.py").write_text(
        "import pickle\nfrom pathlib import Path\nfrom ablations import Study\n"
        "class Question(str): pass\n"
        "question = Question((Path(__file__).parent / 'question.txt').read_text())\n"
        "assert __name__ != '__main__' and Path(__file__).is_absolute()\n"
        "STUDY = Study(pickle.loads(pickle.dumps(question)), ())\n"
    )
    (study,) = discovery.find_studies(["mine v1.2.py"])
    assert (study.name, study.question) == ("mine v1.2", "Why?")


def test_a_file_that_is_named_twice_is_one_study(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("from ablations import Study\nSTUDY = Study('Why?', ())\n")
    assert len(discovery.find_studies(["mine.py", "./mine.py", str(tmp_path / "mine.py")])) == 1


@pytest.mark.parametrize("end", ["STUDY = Study('Why?', ())", "raise ValueError"])
def test_a_file_that_changes_the_working_directory_moves_no_output(tmp_path, monkeypatch, end):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(f"import os\nfrom ablations import Study\nos.chdir('/')\n{end}\n")
    with suppress(InputError):
        discovery.find_studies(["mine.py"])
    assert Path.cwd() == tmp_path


def test_a_changed_file_of_the_same_size_and_time_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    file = tmp_path / "mine.py"
    for question in ("Why?", "How?"):
        file.write_text(f"from ablations import Study\nSTUDY = Study({question!r}, ())\n")
        os.utime(file, (1e9, 1e9))
        assert discovery.find_studies([str(file)])[0].question == question


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
