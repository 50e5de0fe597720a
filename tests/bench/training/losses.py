"""Losses of a short trial's steps, and its metrics at the end, in one process or in one of torchrun's."""

import json
import sys
from pathlib import Path
from unittest.mock import patch

import torch

from bench.data.source import locate
from bench.data.trial_images import load_splits
from bench.models.network import build
from bench.runner.backends import torchrun
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.system.process_group import SINGLE
from bench.training import loop

MODEL = ModelConfig("document", width=1 / 16, normalisation="lrn", inputs="pixels", initial="four-layer")
RECIPE = TrainConfig(epochs=2, batch=32, weight_decay=5e-4, augmentation="both")


def train_and_measure(source, ranks=SINGLE):
    losses, original_make_step = [], loop.make_step

    def make_step(*arguments):
        step, total = original_make_step(*arguments), arguments[4].total_loss

        def recorded():
            before = total.clone()
            step()
            losses.append(ranks.sum(total - before).item() / ranks.size)

        return recorded

    trial = Trial(MODEL, RECIPE, source.data, 3)
    with patch.object(loop, "make_step", make_step):
        *_, last = loop.train(trial, build(MODEL, 3), load_splits(trial, source), group=ranks)
    return losses, last["metrics"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    results = train_and_measure(locate("digits", Path(sys.argv[1])), torchrun.join_group("cpu"))
    if torchrun.is_leader():
        print(json.dumps(results))
    torchrun.exit_process(0)
