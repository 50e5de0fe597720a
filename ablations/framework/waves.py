"""Waves: the order of a run's jobs over all studies, so that a whole report with the first verdicts comes early."""

from typing import NamedTuple

from ablations.framework.claim import Claim
from ablations.framework.profiles import Setting
from ablations.framework.seeds import find_asks, has_interim_analyses, requested_seeds, seeds_per_arm, trained_arms
from ablations.framework.study import AGAIN, SHUFFLED, Ask, Study, all_arms
from bench.spec.jobs import Job

FIRST_STUDIES = ("augmentation", "relu", "dropout", "lrn", "kernels")  # the ablations that the user named
NAMED, STATED, FURTHER, CHECKS = 1, 2, 3, 4
WAVES = {
    NAMED: "first looks at the named ablations",
    STATED: "stated comparisons",
    FURTHER: "further looks",
    CHECKS: "robustness checks",
}


class PlacedJob(NamedTuple):
    """A job and its place in a study.

    Attributes:
        study: Name of the study.
        arm: Name of the arm; of a probe, of the first arm it examines; empty for a timing, which names its own arms.
        seed: The seed, which pairs arms; None for other jobs than trials.
        job: The job.
        wave: The wave of the run in which the study needs the job first.
    """

    study: str
    arm: str
    seed: int | None
    job: Job
    wave: int = STATED


class StudyWaves:
    """The waves of a study's jobs.

    Stated comparisons come first, with their preconditions: in wave `NAMED` those of `FIRST_STUDIES` whose arms need no
    tuning, in wave `STATED` all others. The latter has the controls, factorials and counts, too, and ends with the
    timings. Seeds of further interim analyses follow in wave `FURTHER`, and all else in wave `CHECKS`.

    Args:
        study: The study.
        setting: The run's setting.
    """

    def __init__(self, study: Study, setting: Setting) -> None:
        self.study, self.setting = study, setting
        self.fixed_seeds = seeds_per_arm(study, setting)
        self.first = NAMED if study.name in FIRST_STUDIES else STATED
        self.seeds_by_wave: dict[str, dict[int, int]] = {arm: {} for arm in all_arms(study)}
        self._probe_waves = [CHECKS] * len(study.probes)
        controls = [arm for arm in (AGAIN, SHUFFLED) if arm in self.seeds_by_wave]
        for arm in (study.baseline, *controls) if controls else ():
            self._use(arm, STATED, self.fixed_seeds)
        for claim in study.claims:
            self._use_arms(claim)
        for ask in study.probes:
            for arm in ask.arms:
                self._use(arm, self.of_probe(ask), self.fixed_seeds)
        for arm in study.arms:
            if study.switches or not self.seeds_by_wave[arm]:
                self._use(arm, STATED if study.switches else CHECKS, self.fixed_seeds)

    def seeds(self, arm: str) -> int:
        """Return the number of seeds of an arm: the largest over its uses."""
        return max(self.seeds_by_wave[arm].values(), default=0)

    def of_trial(self, arm: str, seed: int) -> int:
        """Return the first wave that needs a seed of an arm."""
        return min(wave for wave, seeds in self.seeds_by_wave[arm].items() if seed < seeds)

    def of_probe(self, ask: Ask) -> int:
        """Return the wave of a probe."""
        return self._probe_waves[list(self.study.probes).index(ask)]

    def of_tuning(self, arm: str) -> int:
        """Return the wave of the search for the level of an arm, which is the first that needs the level."""
        return max(STATED, min(self.seeds_by_wave[arm], default=CHECKS))

    def _use(self, arm: str, wave: int, seeds: int) -> None:
        seeds_by_wave = self.seeds_by_wave.setdefault(arm, {})
        seeds_by_wave[wave] = max(seeds, seeds_by_wave.get(wave, 0))

    def _use_arms(self, claim: Claim) -> None:
        """Note the seeds that a claim needs of its arms."""
        stated = (*claim.stated, *claim.requires) if claim.kind == "claim" else ()
        wave = self._find_wave(claim)
        for part in stated:
            asks = find_asks(self.study, part)
            for ask in asks:
                number = list(self.study.probes).index(ask)
                self._probe_waves[number] = min(wave, self._probe_waves[number])
            for arm in trained_arms(self.study, part):
                if asks or not has_interim_analyses(self.study, self.setting):
                    self._use(arm, wave, self.fixed_seeds)
                    continue
                first_setting = self.setting._replace(extra_seeds={})
                self._use(arm, wave, requested_seeds(self.study, arm, first_setting))
                self._use(arm, FURTHER, requested_seeds(self.study, arm, self.setting))
        for part in claim.beyond.values() if stated else claim.parts:
            for arm in trained_arms(self.study, part):
                self._use(arm, CHECKS, self.fixed_seeds)

    def _find_wave(self, claim: Claim) -> int:
        """Return the wave of a claim's stated comparisons."""
        tuned = set(self.study.tuning.arms) if self.study.tuning else set()
        is_tuned = any(not tuned.isdisjoint(trained_arms(self.study, part)) for part in claim.stated)
        return STATED if is_tuned else self.first
