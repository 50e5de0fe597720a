"""Schedule of a trial's evaluations, and the number of images that they take."""

from functools import lru_cache

EVALUATIONS = 10  # number of evaluations between the start and the end of a trial
EARLY_EPOCHS = 1, 5  # epochs after which the trial is also evaluated
SAMPLE_IMAGES = 2_000  # maximal number of training and of validation images in an evaluation between start and end
FULL_IMAGES = 50_000  # maximal number of training and of validation images in the first and the last evaluation


@lru_cache
def evaluation_epochs(epochs: int) -> frozenset[int]:
    """Return the epochs after which a trial is evaluated, the last one among them."""
    interval = max(1, round(epochs / EVALUATIONS))
    early_epochs = (epoch for epoch in EARLY_EPOCHS if epoch < epochs)
    return frozenset({*range(interval, epochs, interval), *early_epochs, epochs})


def evaluated_images(epochs: int, train: int, validation: int, test: int) -> int:
    """Return the total number of images in a trial's evaluations, from the sizes of its splits."""
    full, sample = (sum(min(limit, count) for count in (train, validation)) for limit in (FULL_IMAGES, SAMPLE_IMAGES))
    return 2 * (full + test) + (len(evaluation_epochs(epochs)) - 1) * sample
