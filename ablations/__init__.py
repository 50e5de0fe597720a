"""What a study file imports."""

from ablations.framework.claim import Claim, Contrast, Exact, Published
from ablations.framework.study import AGAIN, CAFFENET, Ask, Printed, Scale, Setting, Study, Switch, Tuning
from bench.spec.config import ModelConfig
from bench.spec.jobs import Timing

__all__ = [
    "AGAIN",
    "CAFFENET",
    "Ask",
    "Claim",
    "Contrast",
    "Exact",
    "ModelConfig",
    "Printed",
    "Published",
    "Scale",
    "Setting",
    "Study",
    "Switch",
    "Timing",
    "Tuning",
]
