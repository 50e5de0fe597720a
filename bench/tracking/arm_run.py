"""What MLflow shows of arms: a run for each arm, and a saved view for each study. It knows nothing of reports."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

STATED, FURTHER, CONTROL = "stated", "further", "control"  # roles: compared by a claim, any other arm, a control
SUMMARY_METRICS = ("test/accuracy", "train/accuracy", "gap/accuracy")  # of every study


@dataclass(frozen=True)
class ArmRun:
    """An arm of a study.

    Attributes:
        study: The study's name.
        arm: The arm's name.
        role: STATED, FURTHER or CONTROL.
        levels: The text of each level.
        points: Triples of a metric's name, its value and its epoch; the last epoch has the mean that a report shows.
        trials: Identities of the trials.
        started_s: Start of the first trial in Unix time.
        ended_s: End of the last trial in Unix time.
        remarks: Plain sentences on what the arm is and what its numbers do not say.
    """

    study: str
    arm: str
    role: str
    levels: Mapping[str, str]
    points: tuple[tuple[str, float, int], ...]
    trials: tuple[str, ...]
    started_s: float
    ended_s: float
    remarks: tuple[str, ...] = ()

    @property
    def seeds(self) -> float:
        """Number of seeds behind its means."""
        return next((value for name, value, _ in self.points if name == "seeds"), 0.0)

    @property
    def digest(self) -> str:
        """Digest of all that a run cannot change once it has it."""
        content = [self.role, dict(self.levels), self.points, self.started_s, self.ended_s]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


class Result(NamedTuple):
    """What a report says of a claim: the claim's name, its verdict, and the verdict in a plain sentence."""

    claim: str
    verdict: str
    sentence: str


@dataclass(frozen=True)
class StudyArms:
    """A study with its arms.

    Attributes:
        study: The study's name.
        question: Its question.
        results: What the report says of each claim.
        arms: Its arms that have numbers.
        names: Names of all its arms.
        factors: Names of the levels in which its arms differ.
        metrics: Names of its metrics, those of its claims first.
        curves: Names of the metrics that are drawn by epoch.
        figures: The report's figures, as SVG, by file name.
    """

    study: str
    question: str
    results: tuple[Result, ...]
    arms: tuple[ArmRun, ...]
    names: tuple[str, ...]
    factors: tuple[str, ...]
    metrics: tuple[str, ...]
    curves: tuple[str, ...]
    figures: Mapping[str, str]


@dataclass(frozen=True)
class ArmsOfRun:
    """All arms of a run.

    Attributes:
        data: Name and digest of the data set.
        setting: Profile, device and precision in a phrase: means of different settings are never mixed.
        studies: The studies that have arms with numbers.
    """

    data: Mapping[str, Any]
    setting: str
    studies: tuple[StudyArms, ...]
