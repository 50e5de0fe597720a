"""Schedule of a trial's evaluations, and the number of images that they take."""

from functools import lru_cache

EVALUATIONS = 10  # number of evaluations between the start and the end of a trial
EARLY_EPOCHS = 1, 5  # epochs after which the trial is also evaluated
SAMPLE_IMAGES = 500, 2_000  # limits of the number of images of a split in an evaluation before the end
SAMPLE_DIVISOR = 8  # training images over images of a sample, so that evaluation stays cheap beside training
FULL_IMAGES = 50_000  # maximal number of training and of validation images in the last evaluation


@lru_cache
def evaluation_epochs(epochs: int, until_error: float = 0.0) -> frozenset[int]:
    """Return the epochs after which a trial is evaluated, the last one among them; all if it ends at an error."""
    if until_error:
        return frozenset(range(1, epochs + 1))
    interval = max(1, round(epochs / EVALUATIONS))
    early_epochs = (epoch for epoch in EARLY_EPOCHS if epoch < epochs)
    return frozenset({*range(interval, epochs, interval), *early_epochs, epochs})


def sample_size(train: int) -> int:
    """Return the number of images of each split in an evaluation before the end, for a number of training images."""
    smallest, largest = SAMPLE_IMAGES
    return min(max(smallest, train // SAMPLE_DIVISOR), largest)


def evaluated_images(epochs: int, train: int, validation: int, test: int, until_error: float = 0.0) -> int:
    """Return the total number of images in a trial's evaluations.

    Args:
        epochs: Epochs that it trains for.
        train: Training images.
        validation: Validation images.
        test: Test images.
        until_error: The recipe's; above 0 only training images are evaluated between the start and the end.
    """
    start_train, start_validation, start_test = (min(sample_size(train), count) for count in (train, validation, test))
    sample = start_train + (0 if until_error else start_validation)
    between = (len(evaluation_epochs(epochs, until_error)) - 1) * sample
    end = min(FULL_IMAGES, train) + min(FULL_IMAGES, validation) + test
    return start_train + start_validation + start_test + between + end
