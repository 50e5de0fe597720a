"""When a trial is evaluated, and on how many images."""

from functools import lru_cache

EVALUATIONS = 10  # evaluations of a trial between its start and its end
EARLY_EPOCHS = 1, 5  # epochs after which the trial is also evaluated
SAMPLE_IMAGES = 2_000  # training images, and validation images, of these evaluations
FULL_IMAGES = 50_000  # most training images of the first and the last evaluation, which use all other splits


@lru_cache
def evaluation_epochs(epochs: int) -> frozenset[int]:
    """Return the epochs after which a trial is evaluated, the last one among them."""
    every = max(1, round(epochs / EVALUATIONS))
    return frozenset({*range(every, epochs, every), *(epoch for epoch in EARLY_EPOCHS if epoch < epochs), epochs})


def evaluated_images(epochs: int, train: int, validation: int, test: int) -> int:
    """Return how many images a trial's evaluations take in all, from the sizes of its splits."""
    full, sample = (sum(min(most, count) for count in (train, validation)) for most in (FULL_IMAGES, SAMPLE_IMAGES))
    return 2 * (full + test) + (len(evaluation_epochs(epochs)) - 1) * sample
