"""Table of all metrics: name, label, unit and range. Importing it does not import torch."""

import re
from functools import cache, lru_cache

from bench.metrics import sparsity
from bench.metrics.registry import ANY, FRACTION, METRICS, NOT_NEGATIVE, Metric

__all__ = ["METRICS", "describe_metric", "find_metric", "sparsity"]  # importing `sparsity` declares its metrics

for split in ("train", "validation", "test", "masks", "networks"):
    METRICS[f"{split}/accuracy"] = Metric(f"{split} accuracy", "%", 100)
    METRICS[f"{split}/loss"] = Metric(f"{split} loss", "nats")
for moment in ("start", "epoch_1", "epoch_5", "end"):
    label = f"gradient of the first layer over the last one's, {moment.replace('_', ' ')}"
    METRICS[f"gradient/first_to_last/{moment}"] = Metric(label, shown_range=NOT_NEGATIVE)
METRICS |= {
    "networks/accuracy": Metric("networks accuracy", "%", 100, (-150, 150)),  # one arm is a difference of gains
    "batch/loss": Metric("batch loss", "nats", shown_range=ANY),  # a reward for activity may bring it below zero
    "gap/accuracy": Metric("overfitting gap (train minus test accuracy)", "points", 100),
    "test/top5": Metric("test accuracy, top 5", "%", 100),
    "test/ten_crop/accuracy": Metric("test accuracy, ten crops", "%", 100),
    "test/ten_crop/top5": Metric("test accuracy, top 5, ten crops", "%", 100),
    "masks/calibration_error": Metric("masks, expected calibration error", "%", 100),
    "networks/calibration_error": Metric("networks, expected calibration error", "%", 100),
    "speed/images_per_second": Metric("images per second", "images/s"),
    "speed/step_ms_p50": Metric("speed, step ms p50", "ms"),
    "speed/step_ms_p95": Metric("speed, step ms p95", "ms"),
    "speed/steps_to_train_error_25": Metric("steps to 25 % training error", "steps"),
    "memory/peak_mb": Metric("memory, peak mb", "MB"),
    "gradient/norm_ratio/{layer}": Metric("gradient norm over weight norm, {layer}", shown_range=NOT_NEGATIVE),
    "features/correlation/{layer}": Metric("mean absolute correlation of units, {layer}", shown_range=FRACTION),
    "features/rank/{layer}": Metric("effective rank, {layer}", shown_range=NOT_NEGATIVE),
    "competition/contrast": Metric("contrast of the largest response with its neighbours"),
    "activity/above/{threshold}": Metric("active above {threshold}", "%", 100),
    "parameters/conv_share": Metric("conv share of parameters", "%", 100),
    "parameters/{layer}": Metric("parameters, {layer}", "parameters"),
    "macs/conv_share": Metric("conv share of macs", "%", 100),
    "macs/{layer}": Metric("multiply-accumulates, {layer}", "MACs"),
    "time/kernel_ms": Metric("time of the kernel", "ms"),
    "time/kernel_ms/{elements}": Metric("time of the kernel, {elements} elements", "ms"),
    "time/step_ms": Metric("time of a training step", "ms"),
    "time/forward_ms/{batch}": Metric("time, {batch}", "ms"),
    "time/share/{part}": Metric("share of the time, {part}", "%", 100),
}


@lru_cache(maxsize=4096)
def find_metric(name: str) -> Metric | None:
    """Return the table's entry for a recorded name, with its label filled in, or None."""
    for pattern, metric in METRICS.items():
        if match := _expression(pattern).fullmatch(name):
            parts = {key: _readable(part) for key, part in match.groupdict().items()}
            return metric._replace(label=metric.label.format(**parts))
    return None


def describe_metric(name: str) -> Metric:
    """Return the table's entry for a recorded name; a name that the table lacks is its own label."""
    return find_metric(name) or Metric(name)


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[\\w.]+( \\d+)?)", re.escape(pattern)))


def _readable(part: str) -> str:
    return f"{int(part):,}" if part.isdecimal() else part.replace("_", " ")
