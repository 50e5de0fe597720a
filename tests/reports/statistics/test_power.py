"""What a plan says that its seeds can decide."""

import fabricate
import pytest

from ablations import AGAIN
from reports.evidence import gather
from reports.statistics import paired_tests, summary
from reports.statistics.power import prospects


@pytest.fixture
def planned(tmp_path):
    study, setting = fabricate.activations(), fabricate.setting(5)
    fabricate.write(tmp_path, [study], setting)
    return study, setting, tmp_path


def test_without_a_record_of_the_baseline_again_there_is_no_pilot(tmp_path):
    told = list(prospects(fabricate.activations(), fabricate.setting(), tmp_path))
    assert told == [
        ("relu-better", "test accuracy: no pilot yet"),
        ("relu-gap", "overfitting gap (train minus test accuracy): no pilot yet"),
    ]


def test_a_study_that_trains_nothing_has_nothing_to_plan(tmp_path):
    assert list(prospects(fabricate.sizes(), fabricate.setting(), tmp_path)) == []


def test_the_pilots_deviation_gives_effects_and_seeds(planned):
    """A line for each metric and margin: what statsmodels and the noncentral t say of the A/A differences."""
    study, setting, out = planned
    differences = (
        summary.paired_differences(gather(out, [study], setting).results, AGAIN, "relu", "test/accuracy") * 100
    )
    spread = paired_tests.deviation(list(differences))
    told = [line for claim, line in prospects(study, setting, out) if claim == "relu-better"]
    assert len(told) == 2
    for line, margin in zip(told, (1.0, 0.5), strict=True):
        assert f"5 seeds tell {paired_tests.detectable(spread, 5):.3g} points from nothing" in line
        assert f", support the claim if it is {paired_tests.supportable(spread, 5, margin):.3g} points" in line
        assert f"is told from nothing by {paired_tests.pairs_to_detect(spread, margin)}, " in line
        assert f"ruled out by {paired_tests.pairs_to_equate(spread, margin)} (pilot of 5 pairs)" in line


def test_one_seed_decides_nothing_whatever_the_pilot_says(planned):
    study, setting, out = planned
    one = setting._replace(profile=fabricate.setting(1).profile)
    assert "no pilot yet" in next(prospects(study, one, out))[1]
