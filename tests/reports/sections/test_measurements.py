import pandas as pd

from reports.sections.measurements import compute_shares
from reports.tables.observations import SAMPLE_COLUMNS


def test_a_parts_share_is_of_its_own_networks_time_in_the_same_round():
    def sample(arm, pair, value):
        return {"arm": arm, "pair": pair, "metric": "time/forward_ms/batch 1", "value": value}

    times = [sample("a: conv", 0, 3.0), sample("a: fc", 0, 1.0), sample("b: fc", 0, 5.0), sample("a: fc", 1, 2.0)]
    shares = compute_shares(pd.DataFrame(times))
    assert list(zip(shares["arm"], shares["pair"], shares["value"], strict=True)) == [
        ("a: conv", 0, 0.75),
        ("a: fc", 0, 0.25),
        ("b: fc", 0, 1.0),
        ("a: fc", 1, 1.0),
    ]
    assert set(shares["metric"]) == {"time/share/batch 1"}


def test_a_timing_without_samples_has_no_shares():
    assert compute_shares(pd.DataFrame([], columns=SAMPLE_COLUMNS)).empty
