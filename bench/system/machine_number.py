"""A number of this machine that others do not know."""

from pathlib import Path
from uuid import getnode

MACHINE_FILES = Path("/etc/machine-id"), Path("/proc/sys/kernel/random/boot_id")


def machine_number() -> str | int:
    """Return a number that only this machine knows: without one on disk, as in many containers, that of its boot.

    Without a network `getnode` is random in each process, and in a container others can guess it.
    """
    for file in MACHINE_FILES:
        if file.is_file() and len(number := file.read_text().strip()) >= 32:  # 'uninitialized' is none
            return number
    return getnode()
