"""The number of seeds of each arm."""

from ablations.framework.setting import Setting
from ablations.framework.study import Study

INTERIM_ANALYSES = (3, 5, 8, 12)  # numbers of pairs at which a sequential run judges its claims


def seeds_per_arm(study: Study, setting: Setting) -> int:
    """Return the number of seeds of every arm, before extra ones."""
    return setting.seeds or study.seeds.get(setting.profile.name, setting.profile.seeds)


def requested_seeds(study: Study, arm: str, setting: Setting) -> int:
    """Return the number of seeds of an arm, extra ones included; for a combination, that common to all its arms."""
    arms = study.combinations.get(arm, (arm,))
    extra_seeds = (setting.extra_seeds or {}).get(study.name, {})
    return max(seeds_per_arm(study, setting), min(extra_seeds.get(arm, 0) for arm in arms))


def has_interim_analyses(study: Study, setting: Setting) -> bool:
    """Return whether the study's claims may get extra seeds; a factorial study's number is fixed."""
    sequential = setting.extra_seeds is not None and seeds_per_arm(study, setting) < INTERIM_ANALYSES[-1]
    return sequential and bool(study.arms) and not study.switches
