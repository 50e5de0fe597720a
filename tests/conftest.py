import ctypes
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image

from bench.data.source import locate

STUDY = """
from ablations import Claim, Contrast, Study

STUDY = Study(
    question="Is tanh better than ReLU on these images?",
    base={"dropout": 0.0, "batch": 16, "epochs": 5, "learning_rate": 3e-3},
    arms={"relu": {}, "tanh (at p = 0 %) [ü]": {"activation": "tanh"}},
    claims=(
        Claim(
            "tanh-better",
            "Tanh beats ReLU",
            (Contrast("test/accuracy", "tanh (at p = 0 %) [ü]", "relu", margin=1),),
        ),
    ),
)
"""


class Smoke(NamedTuple):
    """A successful run of the command: the user's study and images, the process, the output folder."""

    study: Path
    images: Path
    process: subprocess.CompletedProcess[str]
    out: Path

    @property
    def arguments(self) -> tuple[str, ...]:
        return (str(self.study), "--profile", "smoke", "--data", str(self.images), "--device", "cpu")


def pytest_addoption(parser):
    parser.addoption("--short", action="store_true", help="benchmarks and torture: a little of everything")
    parser.addoption("--studies", type=int, default=100, help="calibration: synthetic studies per row")


@pytest.fixture(scope="session")
def short(pytestconfig):
    return pytestconfig.getoption("short")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Compute with one thread, as a worker does: results do not depend on the number of processors."""
    torch.set_num_threads(1)


@pytest.fixture
def obeyed():
    """Make this process obey the modes of files, which root otherwise need not."""
    if os.geteuid() != 0:
        yield
        return
    system, header, words = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    system.capget(header, words)
    effective = words[0]
    words[0] &= ~(1 << 1 | 1 << 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    system.capset(header, words)
    yield
    words[0] = effective
    system.capset(header, words)


@pytest.fixture(scope="session")
def environment():
    """The environment of a command, without variables that would reach beyond the test."""
    excluded = ("MLFLOW_TRACKING_URI", "ABLATE_DATA", "MPLBACKEND", "PYTHONSAFEPATH")  # the command sets the last two
    return {name: value for name, value in os.environ.items() if name not in excluded}


@pytest.fixture(scope="session")
def command():
    return sys.executable, str(Path(__file__).parent.parent / "ablate.py")


@pytest.fixture(scope="session")
def ablate(command, environment):
    """Return a function that runs the command with arguments and waits for it."""

    def run(*arguments, cwd=None, **variables):
        return subprocess.run(
            [*command, *map(str, arguments)],
            cwd=cwd,
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder of 32x32 images in three classes that a small network sometimes tells apart."""
    root, draws = tmp_path_factory.mktemp("data") / "tints", np.random.default_rng(0)
    for split, count in (("train", 40), ("test", 20)):
        for number, name in enumerate(("red", "teal", "ultramarine")):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = draws.integers(0, 120, (32, 32, 3))
                pixels[..., number] += draws.integers(0, 130)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")
    return root


def write_namesakes(folder, *names):
    """Write modules with these names that raise if they are imported."""
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text(f"raise RuntimeError({str(folder)!r})")


@pytest.fixture(scope="session")
def smoke(ablate, images, tmp_path_factory):
    """One real run, which tests must not change.

    Its folders hold modules with names that the project imports, and settings with which matplotlib fails.
    """
    folder = tmp_path_factory.mktemp("smoke")
    study = folder / "my_study.py"
    study.write_text(STUDY, encoding="utf-8")
    write_namesakes(folder, "random", "torch", "yaml")
    write_namesakes(folder / "project", "ablations", "bench", "commands", "reports")
    (folder / "matplotlibrc").write_text("text.usetex: True\nfont.size: 33\n")
    variables = {"PYTHONPATH": str(folder / "project"), "MPLBACKEND": "nonsense"}
    smoke = Smoke(study, images, None, folder / "out")
    process = ablate("run", *smoke.arguments, "--out", smoke.out, cwd=folder, **variables)
    return smoke._replace(process=process)


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """The built-in data set of 8x8 digits, which needs no download."""
    return locate("digits", tmp_path_factory.mktemp("digits"))
