"""Origin of a claim's records: the fields in which their environments differ."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ablations.framework.claim import Part

Environment = Mapping[str, Any]
Origins = Mapping[str, tuple[str, ...]]
FIELDS = {  # each with a plural noun for its values
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


def field_values(environments: Iterable[Environment], field: str) -> tuple[str, ...]:
    """Different values of a field, versions in their order; environments without a value are left out."""
    values = {str(value) for environment in environments if (value := environment.get(field)) not in (None, "")}
    return tuple(sorted(values, key=_version_key))


def differing_fields(environments: Iterable[Environment]) -> Origins:
    """Fields of FIELDS in which the environments differ, with their values."""
    environments = list(environments)
    values = {field: field_values(environments, field) for field in FIELDS}
    return {field: several for field, several in values.items() if len(several) > 1}


def mixed_devices(parts: Iterable[Part], environments: Iterable[Environment]) -> tuple[str, ...]:
    """Names of the devices whose mixture keeps parts about speed from being judged; empty if they can be judged.

    A speed holds for the device it was measured on. A job names its kind of device, so that a claim has several kinds
    only where it compares them; several devices of one kind are a mixture.
    """
    if not any(part.metric.startswith(SPEED) for part in parts):
        return ()
    environments = list(environments)
    for kind in dict.fromkeys(environment.get("device") for environment in environments):
        of_kind = (environment for environment in environments if environment.get("device") == kind)
        if len(devices := field_values(of_kind, "device_name")) > 1:
            return devices
    return ()


def _version_key(value: str) -> list[tuple[int, str]]:
    """Sort key that places 2.9 before 2.14."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", value)]
