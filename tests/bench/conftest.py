import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
from running import run

from ablations.framework import request_store
from ablations.framework.discovery import find_studies
from ablations.framework.profiles import PROFILES, Setting
from ablations.framework.request import Request
from bench.data.source import Source
from bench.records import archive as archive_module
from bench.runner.scheduler import Event
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Count, Job, Probe, Timing, Trial

SMALL = ModelConfig("document", width=1 / 16, dropout=0.5)
BRIEF = TrainConfig(epochs=2, share=0.32, augmentation="both")


class Ran(NamedTuple):
    jobs: list[Job]
    source: Source
    out: Path
    events: list[Event]


def of_each_kind(source):
    """Four trials, a count, a probe of the two with ReLU, and a timing."""
    tanh = replace(SMALL, activation="tanh")
    trials = [Trial(model, BRIEF, source.data, seed) for seed in (0, 1) for model in (SMALL, tanh)]
    timing = Timing("steps", (("relu", SMALL), ("tanh", tanh)), (8,), 3)
    return [timing, Probe("sub-networks", tuple(trials[::2])), Count(SMALL), *trials]


@pytest.fixture(scope="session")
def ran(digits, tmp_path_factory):
    """A real run of jobs of each kind by two workers. Tests must not change it."""
    jobs, out = of_each_kind(digits), tmp_path_factory.mktemp("ran")
    return Ran(jobs, digits, out, list(run(jobs, digits, out, workers=2)))


@pytest.fixture(scope="session")
def archive(ran, tmp_path_factory):
    """All records of `ran` with weights, and the request of the run, in one file."""
    out = shutil.copytree(ran.out, tmp_path_factory.mktemp("packed") / "out")
    setting = Setting(PROFILES["smoke"], ran.source.data)
    request_store.save_request(Request(("relu",), find_studies(["relu"]), setting, ran.source), out)
    target = out.parent / "results.zip"
    assert archive_module.pack(out, target, True, [out / request_store.REQUEST_FILE]) == (len(ran.jobs), 0)
    return target
