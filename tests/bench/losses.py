"""Each step's loss of a short trial, and what is measured at its end: alone, or as one of torchrun's processes."""

import json
import sys
from pathlib import Path
from unittest.mock import patch

import torch

from bench import torchrun, train
from bench.data import locate
from bench.model import build
from bench.ranks import ALONE
from bench.spec import Model, Recipe, Trial
from bench.splits import splits

MODEL = Model(width=1 / 16, dropout=0.0, normalisation="lrn")
RECIPE = Recipe(epochs=2, batch=32, weight_decay=5e-4)


def told(source, ranks=ALONE):
    losses, made = [], train.stepper

    def stepper(*arguments):
        step, total = made(*arguments), arguments[7]

        def recorded():
            before = total.clone()
            step()
            losses.append(ranks.summed(total - before).item() / ranks.size)

        return recorded

    trial = Trial(MODEL, RECIPE, source.data, 3)
    with patch.object(train, "stepper", stepper):
        *_, last = train.train(trial, build(MODEL, 3), splits(trial, source), ranks=ranks)
    return losses, last["metrics"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    found = told(locate("digits", Path(sys.argv[1])), torchrun.joined("cpu"))
    if torchrun.leads():
        print(json.dumps(found))
