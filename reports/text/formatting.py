"""Numbers and metrics as people read them: as many digits as their spread warrants, names, units."""

from __future__ import annotations

import math
from fnmatch import fnmatchcase
from typing import NamedTuple

MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"
TIMES, PLUS_MINUS = "\N{MULTIPLICATION SIGN}", "\N{PLUS-MINUS SIGN}"
LEAST, TINY = 1e-300, 1e-4  # between them six decimals hold too little
RAISED = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def format_fixed(value: float | None, decimals: int = 0, signed: bool = False) -> str:
    """A number with so many decimals; a zero has no sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def decimal_places(spread: float | None, digits: int = 2) -> int:
    """How many decimals show this spread with so many significant digits."""
    if spread is None or not math.isfinite(spread) or spread == 0:
        return 1
    return min(6, max(0, digits - 1 - math.floor(math.log10(abs(spread)))))


def format_number(value: float | None, digits: int = 3, signed: bool = False) -> str:
    """A number with at most so many significant digits; whole digits are never rounded away."""
    if value is not None and (exponent := _power(value)):
        return _by(format_number(value / 10**exponent, digits, signed), exponent)
    text = format_fixed(value, decimal_places(value, digits), signed)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _power(*values: float | None) -> int:
    """Of ten, by which numbers are written that six decimals would hold too little of; 0 where they do."""
    size = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0)
    return math.floor(math.log10(size)) if LEAST < size < TINY else 0


def _by(text: str, exponent: int) -> str:
    return f"{text} {TIMES} 10{str(exponent).translate(RAISED)}"


def format_mean(mean: float | None, half: float | None, signed: bool = False) -> str:
    """A mean and the half-width of its interval; without the latter, the mean alone."""
    if half is None or not math.isfinite(half):
        return format_number(mean, signed=signed)
    if mean is not None and (exponent := _power(mean, half)):
        return _by(f"({format_mean(mean / 10**exponent, half / 10**exponent, signed)})", exponent)
    places = decimal_places(half) if half else decimal_places(mean, 3)
    return f"{format_fixed(mean, places, signed)} {PLUS_MINUS} {format_fixed(half, places)}"


def format_interval(bounds: tuple[float, float] | None) -> str:
    if bounds is None or not all(map(math.isfinite, bounds)):
        return NOTHING
    if exponent := _power(*bounds):
        low, high = (bound / 10**exponent for bound in bounds)
        return _by(format_interval((low, high)), exponent)
    places = decimal_places((bounds[1] - bounds[0]) / 2)
    return f"[{format_fixed(bounds[0], places)}, {format_fixed(bounds[1], places)}]"


def format_count(value: float | None) -> str:
    """A large count in thousands, millions or billions, with three significant digits."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value is not None and abs(value) >= size:
            return format_fixed(value / size, decimal_places(value / size, 3)) + letter
    return format_number(value)


def format_p_value(p: float | None, none: str = NOTHING) -> str:
    if p is None or not math.isfinite(p):
        return none
    return "< 0.001" if p < 0.001 else format_fixed(p, 3)


def format_duration(seconds: float) -> str:
    if seconds < 60:
        return f"{format_fixed(seconds, 1 if seconds < 10 else 0)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def pluralize(number: int, noun: str) -> str:
    """A number and its noun, in the plural where there is not exactly one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


class Unit(NamedTuple):
    """How a metric is shown: its name for people, a value's unit, and what a stored value is multiplied by."""

    label: str
    unit: str
    factor: float = 1.0

    @property
    def difference(self) -> str:
        """The unit of a difference: 71 % against 70 % is one point."""
        return "points" if self.unit == "%" else self.unit


METRICS = {  # the first pattern that fits; {first} and {last} are parts of the metric's own name
    "speed/steps_to_train_error_25": Unit("steps to 25 % training error", "steps"),
    "test/top5": Unit("test accuracy, top 5", "%", 100),
    "test/ten_crop/top5": Unit("test accuracy, top 5, ten crops", "%", 100),
    "test/ten_crop/accuracy": Unit("test accuracy, ten crops", "%", 100),
    "gap/accuracy": Unit("overfitting gap (train minus test accuracy)", "points", 100),
    "*_share": Unit("{last} of {first}", "%", 100),
    "*/accuracy": Unit("{first} accuracy", "%", 100),
    "*/loss": Unit("{first} loss", "nats"),
    "sparsity/zeros/*": Unit("exact zeros, {last}", "%", 100),
    "sparsity/dead/*": Unit("dead units, {last}", "%", 100),
    "sparsity/hoyer/*": Unit("Hoyer sparsity, {last}", ""),
    "sparsity/treves_rolls/*": Unit("Treves-Rolls sparsity, {last}", ""),
    "*/calibration_error": Unit("{first}, expected calibration error", "%", 100),
    "features/correlation/*": Unit("mean absolute correlation of units, {last}", ""),
    "features/rank/*": Unit("effective rank, {last}", ""),
    "competition/contrast": Unit("contrast of the largest response with its neighbours", ""),
    "activity/above/*": Unit("active above {last}", "%", 100),
    "gradient/first_to_last/*": Unit("gradient of the first layer over the last one's, {last}", ""),
    "gradient/norm_ratio/*": Unit("gradient norm over weight norm, {last}", ""),
    "speed/images_per_second": Unit("images a second", "images/s"),
    "time/kernel_ms/*": Unit("time of the kernel, {last} elements", "ms"),
    "time/step_ms": Unit("time of a training step", "ms"),
    "time/share/*": Unit("share of the time, {last}", "%", 100),
    "*_ms*": Unit("{first}, {last}", "ms"),
    "memory/*": Unit("memory, {last}", "MB"),
    "parameters/*": Unit("parameters, {last}", "parameters"),
    "macs/*": Unit("multiply-accumulates, {last}", "MACs"),
}


def unit(metric: str) -> Unit:
    """The metric's entry in METRICS; one that has none is shown as it is stored."""
    parts = metric.replace("_", " ").split("/")
    last = f"{int(parts[-1]):,}" if parts[-1].isdecimal() else parts[-1]
    for pattern, known in METRICS.items():
        if fnmatchcase(metric, pattern):
            return known._replace(label=known.label.format(first=parts[0], last=last))
    return Unit(metric, "")


def column_heading(metric: str) -> tuple[str, str]:
    """The metric's name and unit at the head of a column; a unit that the name holds is not repeated."""
    known = unit(metric)
    told = known.unit.split("/")[0] in known.label.split()
    return known.label[0].upper() + known.label[1:], "" if told else known.unit


def format_amount(value: float, unit: str) -> str:
    if unit == TIMES:
        return f"{TIMES}{format_number(value)}"
    return f"{format_number(value)} {'point' if unit == 'points' and value == 1 else unit}".strip()
