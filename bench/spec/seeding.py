"""Seeds for the named random streams of a trial."""

import hashlib


def stream_seed(seed: int, stream: str) -> int:
    """Derive the seed of one named stream, so that switching one factor leaves the draws of all others alone.

    Args:
        seed: The trial's seed.
        stream: What the draws are for, e.g. 'order' or 'weights/conv1'.

    Returns:
        An integer in 0..2^64-1, for `torch.Generator().manual_seed`.
    """
    digest = hashlib.sha256(f"{seed}/{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "little")
