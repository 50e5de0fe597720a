"""What measured the records behind a claim: told where it was not the same for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ablations import Claim

Environment = Mapping[str, Any]
Origins = Mapping[str, tuple[str, ...]]
FIELDS = {
    "commit": "commits",
    "torch": "versions of torch",
    "python": "versions of Python",
    "platform": "platforms",
    "device": "kinds of device",
    "device_name": "devices",
    "threads": "numbers of threads",
    "processes": "numbers of processes a trial",
}
SPEED = ("time/", "speed/images_per_second", "speed/step_ms")  # steps to an error are counted, not timed
NAMED = 5  # so many values of a field are told one by one


def values(environments: Iterable[Environment], field: str) -> tuple[str, ...]:
    """What the environments have there, each once, versions in their order; one that does not tell is left out."""
    return tuple(sorted({str(value) for one in environments if (value := one.get(field)) not in (None, "")}, key=_rank))


def mixed(environments: Iterable[Environment]) -> Origins:
    """The fields in which they differ, with their values."""
    known = list(environments)
    found = {field: values(known, field) for field in FIELDS}
    return {field: several for field, several in found.items() if len(several) > 1}


def sentence(origins: Origins, subject: str) -> str:
    """What differs, in words; nothing where nothing does."""
    told = [f"{len(several):,} {FIELDS[field]} ({_named(several)})" for field, several in origins.items()]
    together = " and ".join(filter(None, (", ".join(told[:-1]), *told[-1:])))
    return f"{subject} come from {together}." if told else ""


def refusal(claim: Claim, environments: Iterable[Environment]) -> str:
    """Why the claim cannot be judged on records of such origins, or nothing: no device's speed tells another's.

    A job says on which kind of device it runs, so a claim has several kinds only where it compares them.
    """
    if not any(part.metric.startswith(SPEED) for part in claim.parts):
        return ""
    known = list(environments)
    for kind in dict.fromkeys(one.get("device") for one in known):
        devices = values((one for one in known if one.get("device") == kind), "device_name")
        if len(devices) > 1:
            return f"its records mix devices ({_named(devices)}), and a speed holds for the device it was measured on"
    return ""


def _named(several: tuple[str, ...]) -> str:
    return ", ".join(several[:NAMED]) + f" and {len(several) - NAMED:,} more" * (len(several) > NAMED)


def _rank(value: str) -> list[tuple[int, str]]:
    """2.9 stands before 2.14."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", value)]
