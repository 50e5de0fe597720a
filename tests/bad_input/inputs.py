"""Inputs and helpers for the tests of bad input."""

import numpy as np
import pytest
from PIL import Image

from bench.spec.errors import InputError

WIDE = "x" * 300  # longer than a file's name may be
STUDY = """
from ablations import Claim, Contrast, Exact, ModelConfig, Published, Study, Timing, Tuning
PART = Contrast("test/accuracy", "a", "b", margin=1)
CLAIM = Claim("mine", "A claim", (PART,))
def study(**fields):
    return Study(**{"question": "?", "claims": (CLAIM,), "arms": {"a": {}, "b": {"dropout": 0.5}}, **fields})
"""


def written(folder, code, name="mine.py"):
    (folder / name).write_text(f"{STUDY}\n{code}\n")
    return str(folder / name)


def noise(seed=0, size=(32, 32)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def refusal(call, *arguments):
    """Return the message with which the call is refused, after checking that it is one line."""
    with pytest.raises(InputError) as caught:
        call(*arguments)
    assert str(caught.value).isprintable(), str(caught.value)
    return str(caught.value)
