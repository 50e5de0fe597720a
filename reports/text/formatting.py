"""Numbers and metrics as people read them: as many digits as their spread warrants, names, units."""

from __future__ import annotations

import math

from bench.metrics.table import describe_metric

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


def format_half_width(half: float) -> str:
    """Format the half-width of an interval around zero with two significant digits."""
    return f"{PLUS_MINUS}{format_number(half, 2)}"


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


def column_heading(metric: str) -> tuple[str, str]:
    """The metric's name and unit at the head of a column; a unit that the name holds is not repeated."""
    known = describe_metric(metric)
    told = known.unit.split("/")[0] in known.label.split()
    return known.label[0].upper() + known.label[1:], "" if told else known.unit


def format_amount(value: float, unit: str) -> str:
    if unit == TIMES:
        return f"{TIMES}{format_number(value)}"
    return f"{format_number(value)} {'point' if unit == 'points' and value == 1 else unit}".strip()
