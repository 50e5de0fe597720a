"""The number of seeds of each arm."""

from collections.abc import Iterable

from ablations.framework.claim import Part, Requires, compared_names
from ablations.framework.profiles import Setting
from ablations.framework.study import AGAIN, SHUFFLED, Ask, Study

INTERIM_ANALYSES = (3, 5, 8, 12)  # numbers of pairs at which a run judges the claims' stated comparisons of trials
COUNTED, TIMED = ("parameters/", "macs/"), ("time/",)  # metrics of counts and timings
PROBED = ("masks/", "networks/", "features/", "competition/", "activity/")  # metrics of probes


def seeds_per_arm(study: Study, setting: Setting) -> int:
    """Return the fixed number of seeds, of all arms but those whose stated comparisons have interim analyses."""
    return setting.seeds or study.seeds.get(setting.profile.name, setting.profile.seeds)


def has_interim_analyses(study: Study, setting: Setting) -> bool:
    """Return whether the study's claims are judged at interim analyses, and get extra seeds while undecided.

    A factorial's number of seeds is fixed, and so is any number that the user requested. A profile with fewer seeds
    than the first analysis has none.
    """
    is_long_enough = seeds_per_arm(study, setting) >= INTERIM_ANALYSES[0]
    return setting.seeds is None and is_long_enough and bool(study.arms) and not study.switches


def requested_seeds(study: Study, arm: str, setting: Setting) -> int:
    """Return the number of seeds that stated comparisons of trials request; of a combination, that of all its arms.

    With interim analyses that is the first one's number, or what undecided claims have requested since. Other uses of
    an arm may need more seeds.
    """
    if not has_interim_analyses(study, setting):
        return seeds_per_arm(study, setting)
    extra_seeds = setting.extra_seeds.get(study.name, {})
    return max(INTERIM_ANALYSES[0], min(extra_seeds.get(name, 0) for name in study.combinations.get(arm, (arm,))))


def last_seeds(studies: Iterable[Study], setting: Setting) -> dict[str, dict[str, int]]:
    """Return the number of seeds of the last interim analysis for each arm that may get it, by study and arm."""
    return {
        study.name: dict.fromkeys(arms, INTERIM_ANALYSES[-1])
        for study in studies
        if has_interim_analyses(study, setting) and (arms := _arms_with_analyses(study))
    }


def is_trial_metric(metric: str) -> bool:
    """Return whether trials record the metric, in place of counts, timings or probes."""
    return not metric.startswith((*COUNTED, *TIMED, *PROBED))


def trained_arms(study: Study, part: Part | Requires) -> list[str]:
    """Return the arms whose trials a part of a claim or a precondition rests on, by themselves or through a probe."""
    if asks := find_asks(study, part):
        return [arm for ask in asks for arm in ask.arms]
    if not is_trial_metric(part.metric):
        return []
    names = [arm for name in compared_names(part) for arm in study.combinations.get(name, (name,))]
    return [arm for arm in names if arm in study.arms or arm in (AGAIN, SHUFFLED)]


def find_asks(study: Study, part: Part | Requires) -> list[Ask]:
    """Return the probes whose answers a part of a claim or a precondition rests on."""
    is_probed, names = part.metric.startswith(PROBED), set(compared_names(part))
    return [ask for ask in study.probes if is_probed and not names.isdisjoint(ask.gives or ask.arms[:1])]


def _arms_with_analyses(study: Study) -> list[str]:
    parts = [part for claim in study.claims if claim.kind == "claim" for part in (*claim.stated, *claim.requires)]
    return list(dict.fromkeys(arm for part in parts if not find_asks(study, part) for arm in trained_arms(study, part)))
