import itertools

from project_studies import DATA, DIGITS

from ablations.framework.profiles import PROFILES


def test_a_small_data_set_is_used_whole():
    for profile in PROFILES.values():
        assert 0 < profile.share(DATA) <= 1
    assert PROFILES["quick"].share(DIGITS) == 1


def test_profiles_are_ordered_by_what_they_spend():
    spending = [
        (profile.width("document", DATA), profile.share(DATA) * profile.epochs("document", DATA) * profile.seeds)
        for profile in PROFILES.values()
        if not profile.photographs
    ]
    assert all(a <= b for a, b in itertools.pairwise(spending))
