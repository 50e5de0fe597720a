"""Numbers as people read them: with as many digits as their spread warrants."""

import math
from collections.abc import Iterable

from bench.metrics.table import describe_metric

MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"  # NOTHING replaces a number that is missing or not finite
TIMES, PLUS_MINUS = "\N{MULTIPLICATION SIGN}", "\N{PLUS-MINUS SIGN}"
ELLIPSIS = "..."  # three letters, which every terminal has
MIN_SCALED, MIN_PLAIN = 1e-300, 1e-4  # numbers between them are written with a power of ten
SUPERSCRIPTS = str.maketrans("-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")


def format_fixed(value: float | None, decimals: int = 0, signed: bool = False) -> str:
    """Format a number with a fixed number of decimals.

    Args:
        value: The number.
        decimals: Number of decimals.
        signed: Whether a positive number has a sign; a zero never has one.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def decimal_places(spread: float | None, digits: int = 2) -> int:
    """Number of decimals that show a spread with this many significant digits, at most 6."""
    if spread is None or not math.isfinite(spread) or spread == 0:
        return 1
    return min(6, max(0, digits - 1 - math.floor(math.log10(abs(spread)))))


def format_number(value: float | None, digits: int = 3, signed: bool = False) -> str:
    """Format a number with a limited number of significant digits; whole digits are never rounded away.

    Args:
        value: The number.
        digits: Largest number of significant digits.
        signed: Whether a positive number has a sign.
    """
    if value is not None and (exponent := _exponent(value)):
        return _append_power(format_number(value / 10**exponent, digits, signed), exponent)
    text = format_fixed(value, decimal_places(value, digits), signed)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exponent(*values: float | None) -> int:
    """Exponent of the power of ten by which the numbers are written; 0 where six decimals suffice."""
    size = max((abs(value) for value in values if value is not None and math.isfinite(value)), default=0)
    return math.floor(math.log10(size)) if MIN_SCALED < size < MIN_PLAIN else 0


def _append_power(text: str, exponent: int) -> str:
    return f"{text} {TIMES} {_power_of_ten(exponent)}"


def _power_of_ten(exponent: int) -> str:
    return f"10{str(exponent).translate(SUPERSCRIPTS)}"


def format_power(value: float) -> str:
    """Format the number at a tick of a logarithmic axis: a power of ten far from one, else the number."""
    if value > 0 and not 0.001 <= value <= 1000:
        return _power_of_ten(round(math.log10(value)))
    return format_number(value)


def format_mean(mean: float | None, half: float | None, signed: bool = False) -> str:
    """Format a mean with the half-width of its interval: '0.500 ± 0.012'.

    Args:
        mean: The mean.
        half: Half the width of its interval; without it, the mean stands alone.
        signed: Whether a positive mean has a sign.
    """
    if half is None or not math.isfinite(half):
        return format_number(mean, signed=signed)
    if mean is not None and (exponent := _exponent(mean, half)):
        return _append_power(f"({format_mean(mean / 10**exponent, half / 10**exponent, signed)})", exponent)
    places = decimal_places(half) if half else decimal_places(mean, 3)
    return f"{format_fixed(mean, places, signed)} {PLUS_MINUS} {format_fixed(half, places)}"


def format_half_width(half: float) -> str:
    """Format the half-width of an interval around zero with two significant digits."""
    return f"{PLUS_MINUS}{format_number(half, 2)}"


def format_interval(bounds: tuple[float, float] | None) -> str:
    """Format an interval with as many digits as its width warrants: '[3.0, 5.0]'."""
    if bounds is None or not all(map(math.isfinite, bounds)):
        return NOTHING
    if exponent := _exponent(*bounds):
        low, high = (bound / 10**exponent for bound in bounds)
        return _append_power(format_interval((low, high)), exponent)
    places = decimal_places((bounds[1] - bounds[0]) / 2)
    return f"[{format_fixed(bounds[0], places)}, {format_fixed(bounds[1], places)}]"


def format_mean_interval(mean: float, bounds: tuple[float, float], signed: bool = False) -> str:
    """Format a mean with its interval: '4.0 [3.0, 5.0]'.

    Args:
        mean: The mean.
        bounds: Its interval; where it is not finite or of no width, the mean stands alone.
        signed: Whether a positive mean has a sign.
    """
    half = (bounds[1] - bounds[0]) / 2
    if not (math.isfinite(half) and half):
        return format_number(mean, signed=signed)
    if exponent := _exponent(mean, half):
        scaled = tuple(number / 10**exponent for number in (mean, *bounds))
        return _append_power(f"({format_mean_interval(scaled[0], scaled[1:], signed)})", exponent)
    return f"{format_fixed(mean, decimal_places(half), signed)} {format_interval(bounds)}"


def format_count(value: float | None) -> str:
    """Format a large count in thousands, millions or billions, with three significant digits."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value is not None and abs(value) >= size:
            return format_fixed(value / size, decimal_places(value / size, 3)) + letter
    return format_number(value)


def format_p_value(p: float | None, missing_text: str = NOTHING) -> str:
    """Format a p value with three decimals; `missing_text` replaces a missing one."""
    if p is None or not math.isfinite(p):
        return missing_text
    return "< 0.001" if p < 0.001 else format_fixed(p, 3)


def format_duration(seconds: float) -> str:
    """Format a duration: '4.2 s', '40 s', '2 min 30 s', '12 min' or '3 h 5 min'."""
    if seconds < 60:
        return f"{format_fixed(seconds, 1 if seconds < 10 else 0)} s"
    if seconds < 595:
        minutes, tens = divmod(round(seconds / 10), 6)
        return f"{minutes} min" + f" {tens}0 s" * bool(tens)
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def pluralize(number: int, noun: str) -> str:
    """Format a number with its noun, in the plural unless it is one: '2 pairs'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def format_range(low: int, high: int) -> str:
    """Format a range of counts: '3 to 12', or one number where both are equal."""
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def format_list(values: Iterable[object], max_values: int) -> str:
    """Name at most this number of values, and count the others: '1, 2 and 3 more'."""
    texts = list(map(str, values))
    return ", ".join(texts[:max_values]) + f" and {len(texts) - max_values:,} more" * (len(texts) > max_values)


def shorten(text: str, width: int) -> str:
    """Put a text on one line of at most this many characters: it is cut after a word, or within a long first word."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    room = width - len(ELLIPSIS)
    words = line[: room + 1].rsplit(" ", 1)[0] if " " in line[: room + 1] else line[:room]
    return words.rstrip(" ,;:.") + ELLIPSIS


def column_heading(metric: str) -> tuple[str, str]:
    """Label and unit of a metric at the head of a column; the unit is empty if the label holds it."""
    label, unit = describe_metric(metric).label, describe_metric(metric).unit
    return label[0].upper() + label[1:], "" if unit.split("/")[0] in label.split() else unit


def format_amount(value: float, unit: str) -> str:
    """Format a number with its unit: '1.5 points'."""
    if unit == TIMES:
        return f"{TIMES}{format_number(value)}"
    return f"{format_number(value)} {'point' if unit == 'points' and value == 1 else unit}".strip()
