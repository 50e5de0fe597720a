"""Everything that a study file needs: `from ablations import Claim, Contrast, Study`; `run` is for a notebook."""

from ablations.framework import designs
from ablations.framework.call import run
from ablations.framework.claim import Claim, Contrast, Exact, Published, Requires
from ablations.framework.profiles import Setting
from ablations.framework.study import AGAIN, Ask, Levels, Scale, Study, Switch, Tuning
from bench.components.layouts import Conv, Layout
from bench.extensions.decorators import (
    activation,
    augmentation,
    layout,
    loss,
    metric,
    network,
    normalisation,
    optimizer,
    schedule,
)
from bench.spec.config import DOCUMENT_RECIPE, ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Timing
