"""On how many images a trial is trained, when it is evaluated, and on how many."""

from __future__ import annotations

from functools import lru_cache

EVALUATIONS = 10  # of a trial, between its start and its end
EARLY = 1, 5  # epochs after which there is one too
SAMPLE = 2_000  # images of training and of validation that they look at
MOST = 50_000  # that the first and the last evaluation look at: all but ImageNet's; and all of the test images


@lru_cache
def evaluation_epochs(epochs: int) -> frozenset[int]:
    """The epochs behind which a trial is evaluated, the last one among them."""
    every = max(1, round(epochs / EVALUATIONS))
    return frozenset({*range(every, epochs, every), *(epoch for epoch in EARLY if epoch < epochs), epochs})


def looked_at(epochs: int, train: int, validation: int, test: int) -> int:
    """How many images a trial's evaluations take together, one by one."""
    whole, sample = (sum(min(most, count) for count in (train, validation)) for most in (MOST, SAMPLE))
    return 2 * (whole + test) + (len(evaluation_epochs(epochs)) - 1) * sample
