"""Questions that a probe can put to trained networks, by name."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from bench.components.registry import register
from bench.data.image_sets import ResidentImages
from bench.models.network import Network
from bench.spec.config import ModelConfig

Answer = dict[str, dict[str, float]]  # metrics by arm; '' stands for the arm of the examined network


class Question(NamedTuple):
    """A question, declared by `@question(name, ...)` on the function that answers it.

    Attributes:
        answer: Function that measures trained networks, in eval mode, on test images.
        networks: Number of networks that one answer needs.
        check: Function that raises InputError for a network that cannot answer.
    """

    answer: Callable[[Sequence[Network], ResidentImages], Answer]
    networks: int = 1
    check: Callable[[ModelConfig], None] = lambda model: None


QUESTIONS: dict[str, Question] = {}
question = partial(register, QUESTIONS, kind=Question)
