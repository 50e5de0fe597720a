"""Questions that a probe can put to trained networks, by name."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.data.image_sets import ResidentImages
from bench.models.alexnet import AlexNet

Answer = dict[str, dict[str, float]]  # metrics by arm, of arms that the question brings, or '' for the network's own
AnswerFunction = Callable[[Sequence[AlexNet], ResidentImages], Answer]


class Question(NamedTuple):
    """A function that answers, and how many networks it takes at a time."""

    answer: AnswerFunction
    networks: int


QUESTIONS: dict[str, Question] = {}


def question(name: str, networks: int = 1) -> Callable[[AnswerFunction], AnswerFunction]:
    """Declare a question by the function that answers it from trained networks, in eval mode, and test images."""

    def add(answer: AnswerFunction) -> AnswerFunction:
        QUESTIONS[name] = Question(answer, networks)
        return answer

    return add
