"""Names of components that study files declare, in configurations and records: 'gelu@' and a digest of its code."""

import re

DIGEST = "[0-9a-f]{16}"  # pattern of the digest of the code that defines a component
_END = re.compile(f"@{DIGEST}$")


def qualify(name: str, digest: str) -> str:
    """Return a component's qualified name, which states what code was used."""
    return f"{name}@{digest}"


def is_qualified(level: str) -> bool:
    """Whether a level is a component that a study file declares."""
    return _END.search(level) is not None


def plain_name(level: str) -> str:
    """Return the name of a level as a study file writes it, without the digest of the code that defines it."""
    return _END.sub("", level)
