"""Evaluation of a trial's network: on samples of the images until the end, then on all of them."""

from bench.data.image_sets import ImageSet, StreamedPhotos
from bench.data.trial_images import Splits
from bench.metrics.accuracy import evaluate, evaluate_crops
from bench.metrics.gradients import first_to_last, gradient_flow
from bench.metrics.image_metrics import measure_image_metrics
from bench.metrics.sparsity import sparsity, watch_activations
from bench.models.network import Network
from bench.spec.jobs import Trial
from bench.system.process_group import ProcessGroup
from bench.training.evaluation_schedule import EARLY_EPOCHS, FULL_IMAGES, evaluation_epochs, sample_size
from bench.training.step import autocast


class Evaluator:
    """A trial's network with the images that it is evaluated on. Every process of the group gets the same numbers."""

    def __init__(self, trial: Trial, network: Network, images: Splits, group: ProcessGroup) -> None:
        self.trial, self.network, self.images, self.group = trial, network, images, group
        self.sample_size = sample_size(len(images.train.labels))
        self.epochs = evaluation_epochs(trial.recipe.epochs, trial.recipe.until_error)

    def measure_start(self) -> dict[str, float]:
        """Measure accuracy and sparsity before the first step, on the first images of each split."""
        return self._measure(self.sample_size, self.images.test.first(self.sample_size))

    def measure_sample(self) -> dict[str, float]:
        """Measure accuracy on the first images of train and, unless the trial ends at an error, of validation."""
        if self.trial.recipe.until_error:
            return self._evaluate("train", self.images.train.first(self.sample_size))
        return self._evaluate_train_and_validation(self.sample_size)

    def is_learnt(self, sample: dict[str, float]) -> bool:
        """Whether the training error of a sample ends the trial."""
        until_error = self.trial.recipe.until_error
        return until_error > 0 and sample["train/accuracy"] >= 1 - until_error

    def measure_end(self) -> dict[str, float]:
        """Measure accuracy on all splits, sparsity and own metrics on test, and, of photographs, ten crops."""
        return self._measure(FULL_IMAGES, self.images.test) | self._crops() | self._own_metrics()

    def validation_accuracy(self) -> float:
        """Measure accuracy on the first images of validation."""
        return self._evaluate("validation", self.images.validation.first(self.sample_size))["validation/accuracy"]

    def _measure(self, count: int, test: ImageSet) -> dict[str, float]:
        """Measure accuracy, and sparsity in the forward pass of the test images."""
        metrics = self._evaluate_train_and_validation(count)
        with watch_activations(self.network) as sums:
            metrics |= self._evaluate("test", test)
        metrics["gap/accuracy"] = metrics["train/accuracy"] - metrics["test/accuracy"]
        return metrics | sparsity(sums, self.group)

    def _evaluate_train_and_validation(self, count: int) -> dict[str, float]:
        metrics = self._evaluate("train", self.images.train.first(count))
        return metrics | self._evaluate("validation", self.images.validation.first(count))

    def _evaluate(self, name: str, images: ImageSet) -> dict[str, float]:
        with autocast(self.trial):
            accuracy, loss = evaluate(self.network, images, self.group)
        return {f"{name}/accuracy": accuracy, f"{name}/loss": loss}

    def _crops(self) -> dict[str, float]:
        if not isinstance(self.images.test, StreamedPhotos):
            return {}
        with autocast(self.trial):
            return evaluate_crops(self.network, self.images.test, self.group)

    def _own_metrics(self) -> dict[str, float]:
        if not self.trial.metrics:
            return {}
        with autocast(self.trial):
            return measure_image_metrics(self.network, self.images.test, self.trial.metrics, self.group)

    def measures_gradients(self, epoch: int, step: int, steps: int) -> bool:
        """Whether gradients are measured after this step: the trial's first, and the last before each evaluation."""
        return (epoch, step) == (1, 1) or (step == steps and epoch in self.epochs)

    def gradients(self, epoch: int, step: int, steps: int) -> dict[str, float]:
        """Measure the gradient flow of a step, the `step`-th of `steps` in its epoch.

        After an epoch's last step, the ratio of every layer. After the trial's first step, and the last step of an
        early epoch, the first layer's ratio over the last layer's.
        """
        moments = {"start": (1, 1)} | {f"epoch_{number}": (number, steps) for number in EARLY_EPOCHS}
        flow, ratios = gradient_flow(self.network), dict[str, float]()
        for name, moment in moments.items():
            if moment == (epoch, step):
                ratios |= first_to_last(flow, name)
        return ratios | (flow if step == steps else {})
