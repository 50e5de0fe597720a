"""Patterns of claims that several studies share."""

from ablations.study import Contrast


def overfits_less(arm: str, reference: str, accuracy: float, regime: str) -> tuple[Contrast, ...]:
    """The arm's gap between training and test accuracy is at least 2 points smaller, and its test accuracy is higher by
    at least `accuracy` points."""
    return (
        Contrast("gap/accuracy", arm, reference, margin=2, direction="lower", regime=regime),
        Contrast("test/accuracy", arm, reference, margin=accuracy, regime=regime),
    )
