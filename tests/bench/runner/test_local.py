"""Jobs that this machine cannot run are refused before anything trains."""

from dataclasses import replace

import pytest
import torch

from bench.runner.backends import local
from bench.spec.config import DataConfig, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Count, Probe, Trial

ON_CPU = Trial(ModelConfig(), TrainConfig(), DataConfig("", 10), 0)
ON_GPU = replace(ON_CPU, device="cuda")


def test_without_a_gpu_a_job_that_needs_one_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    local.check_jobs([ON_CPU, Count(ModelConfig())])
    for job in (ON_GPU, Probe("averages", (ON_GPU,))):
        with pytest.raises(InputError, match="no GPU"):
            local.check_jobs([ON_CPU, job])
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    local.check_jobs([ON_GPU])
