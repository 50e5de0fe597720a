"""Seeds for the named random streams of a trial."""

import hashlib


def stream_seed(seed: int, stream: str) -> int:
    """Derive the seed of one named stream, so that switching a factor changes only the draws of its own stream.

    Args:
        seed: The trial's seed.
        stream: Name of the stream, such as 'order' or 'weights/conv1'.

    Returns:
        An integer in 0..2^64-1, for `torch.Generator().manual_seed`.
    """
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
