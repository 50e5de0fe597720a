"""Health checks of a Ray cluster: whether its head and its slots are alive."""

import asyncio
import socket
from typing import Any, NamedTuple

PING_TIMEOUT_S = 60.0  # for a free slot to answer
HEAD_CHECK_INTERVAL_S, MAX_MISSED_CHECKS = 5.0, 3  # of the head; misses in a row


class SlotHandle(NamedTuple):
    """A running slot.

    Attributes:
        actor: Ray's handle of the process.
        shares_folder: Whether its machine sees the folder of records.
        dead: Set once the slot is found dead; the pool then starts another.
    """

    actor: Any
    shares_folder: bool
    dead: asyncio.Event

    async def is_alive(self) -> bool:
        """Whether the slot answers in time."""
        from ray.exceptions import RayError

        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await self.actor.ready.remote()
        except BaseException as error:
            self.dead.set()
            if not isinstance(error, RayError | TimeoutError):
                raise
        return not self.dead.is_set()


async def wait_until_unreachable(head: str) -> None:
    """Return once nothing answers at the head's HOST:PORT: Ray would end this process a minute later, silently."""
    missed_checks = 0
    while missed_checks < MAX_MISSED_CHECKS:
        await asyncio.sleep(HEAD_CHECK_INTERVAL_S)
        try:
            await asyncio.to_thread(check_reachable, head, HEAD_CHECK_INTERVAL_S)
            missed_checks = 0
        except OSError:
            missed_checks += 1


def check_reachable(address: str, timeout_s: float) -> None:
    """Raise OSError if nothing answers at HOST:PORT in time."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
