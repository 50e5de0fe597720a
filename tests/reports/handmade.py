"""Judgements made by hand, with stated parts, preconditions and robustness checks."""

from __future__ import annotations

from ablations import Claim, Contrast, Requires
from reports.statistics.claim_verdicts import Judgement
from reports.statistics.outcomes import CheckResult, Outcome, Requirement

STATED = Contrast("test/accuracy", "both", "none", 1.0)
GAP = Contrast("gap/accuracy", "both", "none", 2.0, direction="lower")
TWICE = Contrast("test/accuracy", "both, twice", "none, twice", 1.0)
FITS = Requires("train/accuracy", "none", 95, advice="more epochs or a wider network")
OVERFITS = Requires("gap/accuracy", "none", 10)
SENTENCE = "Mirroring and random crops reduce overfitting"


def claim(name: str = "augmentation", kind: str = "claim", **fields) -> Claim:
    """Make a claim with two stated parts, two preconditions and a robustness check."""
    beyond = {"twice the epochs": TWICE}
    stated, requires = (STATED, GAP), (FITS, OVERFITS)
    default_fields = {"stated": stated, "requires": requires, "beyond": beyond, "setting": "AlexNet scaled to the data"}
    return Claim(name, SENTENCE, kind=kind, **(default_fields | fields))


def outcome(part=STATED, verdict: str = "supported", reason="margin_reached", **numbers) -> Outcome:
    measured = {"estimate": 3.0, "interval": (2.0, 4.0), "margin": part.margin, "pairs": 3, "p_holm": 0.01}
    return Outcome(part, verdict, reason, **(measured | numbers))


def check(differs: bool = False, **fields) -> CheckResult:
    numbers = {"interaction": (2.5, (0.5, 4.5), 0.004 if differs else 0.4), "differs": differs}
    return CheckResult("twice the epochs", outcome(TWICE, estimate=5.5, interval=(4.0, 7.0)), **(numbers | fields))


def judgement(verdict: str = "supported", train_accuracy: float | None = 99.2, **fields) -> Judgement:
    """Make the judgement on `claim()`, whose network has this training accuracy in %."""
    is_met = None if train_accuracy is None else FITS.is_met_by(train_accuracy)
    requirements = (Requirement(FITS, train_accuracy, is_met), Requirement(OVERFITS, 48.8, True))
    outcomes = (outcome(), outcome(GAP, estimate=-40.0, interval=(-42.0, -38.0)))
    default_fields = {"outcomes": outcomes, "requirements": requirements, "checks": (check(),)}
    return Judgement("augmentation", fields.pop("claim", claim()), verdict, **(default_fields | fields))
