from reports.sections.timings import compute_shares


def test_a_parts_share_is_of_its_own_networks_time_in_the_same_round():
    def sample(arm, pair, value):
        return {"arm": arm, "pair": pair, "metric": "time/forward_ms/batch 1", "value": value}

    found = compute_shares(
        [sample("a: conv", 0, 3.0), sample("a: fc", 0, 1.0), sample("b: fc", 0, 5.0), sample("a: fc", 1, 2.0)]
    )
    assert [(row["arm"], row["pair"], row["value"]) for row in found] == [
        ("a: conv", 0, 0.75),
        ("a: fc", 0, 0.25),
        ("b: fc", 0, 1.0),
        ("a: fc", 1, 1.0),
    ]
    assert {row["metric"] for row in found} == {"time/share/batch 1"}
