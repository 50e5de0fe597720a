"""Numbers as people read them: as many digits as their spread warrants, true minus signs, grouped thousands."""

from __future__ import annotations

import math

MINUS, NOTHING = "\N{MINUS SIGN}", "\N{EN DASH}"
TIMES, PLUS_MINUS = "\N{MULTIPLICATION SIGN}", "\N{PLUS-MINUS SIGN}"


def fixed(value: float | None, decimals: int = 0, signed: bool = False) -> str:
    """A number with so many decimals; a zero has no sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:{'+' if signed else ''},.{decimals}f}"
    if not any(digit in text for digit in "123456789"):
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def decimals(spread: float | None, digits: int = 2) -> int:
    """How many decimals show this spread with so many significant digits."""
    if spread is None or not math.isfinite(spread) or spread == 0:
        return 1
    return min(6, max(0, digits - 1 - math.floor(math.log10(abs(spread)))))


def plain(value: float | None, digits: int = 3, signed: bool = False) -> str:
    """A number with at most so many significant digits; whole digits are never rounded away."""
    text = fixed(value, decimals(value, digits), signed)
    return text.rstrip("0").rstrip(".") if "." in text else text


def around(mean: float | None, half: float | None, signed: bool = False) -> str:
    """A mean and the half-width of its interval; without the latter, the mean alone."""
    if half is None or not math.isfinite(half):
        return plain(mean, signed=signed)
    places = decimals(half) if half else decimals(mean, 3)
    return f"{fixed(mean, places, signed)} {PLUS_MINUS} {fixed(half, places)}"


def interval(bounds: tuple[float, float] | None, signed: bool = False) -> str:
    if bounds is None or not all(map(math.isfinite, bounds)):
        return NOTHING
    places = decimals((bounds[1] - bounds[0]) / 2)
    return f"[{fixed(bounds[0], places, signed)}, {fixed(bounds[1], places, signed)}]"


def compact(value: float | None) -> str:
    """A large count in thousands, millions or billions, with three significant digits."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value is not None and abs(value) >= size:
            return fixed(value / size, decimals(value / size, 3)) + letter
    return plain(value)


def probability(p: float | None) -> str:
    if p is None or not math.isfinite(p):
        return NOTHING
    return "< 0.001" if p < 0.001 else fixed(p, 3)


def duration(seconds: float) -> str:
    if seconds < 60:
        return f"{fixed(seconds, 1 if seconds < 10 else 0)} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural where there is not exactly one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
