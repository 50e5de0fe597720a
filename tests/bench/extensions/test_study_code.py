import os
import subprocess
import sys

import pytest

from bench.extensions.loading import CODES, declaring, find_codes, find_sources, load_components
from bench.extensions.study_code import BesideModule, StudyCode, execute, read_study_code
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.jobs import Trial

FILE = """
from gone_helper import SLOPE
from gone_package.parts import make
from ablations import activation

@activation("leak")
def leak(config):
    return make(SLOPE)
"""
MODULES = (
    BesideModule("gone_helper", "/gone/gone_helper.py", "SLOPE = 0.25\n"),
    BesideModule("gone_package", "/gone/gone_package/__init__.py", ""),
    BesideModule("gone_package.parts", "/gone/gone_package/parts.py", "from torch.nn import LeakyReLU as make\n"),
)


def test_a_study_file_is_executed_where_neither_it_nor_its_modules_exist():
    code = StudyCode("/gone/study.py", FILE, MODULES)
    load_components([code])
    (name,) = [name for name, other in CODES.items() if other == code]
    from bench.components.activations import ACTIVATIONS

    assert ACTIVATIONS[name].build(ModelConfig()).negative_slope == 0.25
    trial = Trial(ModelConfig(activation=name), TrainConfig(), DataConfig("0" * 16, 10), 0)
    assert find_codes(trial) == (code,)
    assert "SLOPE = 0.25" in find_sources(trial)[name] and "def leak" in find_sources(trial)[name]


def test_the_code_of_a_changed_module_replaces_that_of_an_earlier_execution():
    for slope in (0.25, 0.5):
        modules = (BesideModule("gone_helper", "/gone/gone_helper.py", f"SLOPE = {slope}\n"),)
        assert execute(StudyCode("/gone/study.py", "from gone_helper import SLOPE\n", modules)).SLOPE == slope


def test_modules_beside_a_file_are_found_and_libraries_are_not(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "net.py").write_text("from . import parts\nimport torch\n")  # no __init__.py
    (tmp_path / "models" / "parts.py").write_text("import top\n")
    (tmp_path / "top.py").write_text("# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n", encoding="latin-1")
    (tmp_path / "unused.py").write_text("")
    (tmp_path / "json").mkdir()  # a folder of data
    (tmp_path / "study.py").write_text("import json\nfrom models.net import parts\n")
    modules = {module.name: module.text for module in read_study_code(str(tmp_path / "study.py")).modules}
    assert list(modules) == ["models", "models.net", "models.parts", "top"]
    assert "caf\xe9" in modules["top"]


def test_a_module_with_components_can_be_imported_without_a_run(tmp_path):
    (tmp_path / "mine.py").write_text(FILE.replace("gone_helper", "helper").replace("gone_package.parts", "helper"))
    (tmp_path / "helper.py").write_text("SLOPE = 1\nfrom torch.nn import ReLU as make\n")
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    code = "import mine, sys; print(mine.leak, 'bench.components.activations' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert process.returncode == 0 and "False" in process.stdout, process.stderr


def test_a_component_belongs_to_the_file_that_is_executed():
    with declaring(StudyCode("/outer.py", "")), declaring(StudyCode("/gone/study.py", FILE, MODULES)) as components:
        execute(StudyCode("/gone/study.py", FILE, MODULES))
    assert [component.kind for component in components] == ["activation"]


@pytest.mark.parametrize("text", ["def", "\0"])
def test_a_file_that_is_no_python_is_a_syntax_error(tmp_path, text):
    (tmp_path / "study.py").write_text(text)
    with pytest.raises(SyntaxError):
        read_study_code(str(tmp_path / "study.py"))
