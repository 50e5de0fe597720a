import math

import pytest

from reports.rendering.claims_plot import LIMIT, ClaimRow, draw_claims, in_margins
from reports.rendering.plot_style import VERDICT_STYLES
from reports.statistics.claim_verdicts import VERDICTS


@pytest.mark.parametrize(
    "value, margin, is_ratio, is_reversed, expected",
    [
        (3.0, 1.5, False, False, 2.0),
        (3.0, 1.5, False, True, -2.0),
        (2.25, 1.5, True, False, 2.0),
        (1 / 1.5, 1.5, True, False, -1.0),
        (1.0, 1.5, True, True, 0.0),
    ],
)
def test_an_estimate_in_margins_by_hand(value, margin, is_ratio, is_reversed, expected):
    assert in_margins(value, margin, is_ratio, is_reversed) == pytest.approx(expected)


def test_every_verdict_has_a_look_of_its_own():
    assert set(VERDICT_STYLES) == set(VERDICTS)
    assert len({symbol for symbol, *_ in VERDICT_STYLES.values()}) == len(VERDICTS)


def test_all_claims_stand_in_the_figure_and_in_its_words_in_the_same_bytes():
    rows = [ClaimRow("id", f"Claim {verdict}", verdict, "+1.0 points", 1.0, (0.5, 1.5)) for verdict in VERDICTS]
    first, second = draw_claims(rows, "claims"), draw_claims(rows, "claims")
    assert first == second and all(f"Claim {verdict} (id): {verdict}, +1.0 points" in first.alt for verdict in VERDICTS)


def test_an_interval_beyond_the_axis_ends_in_an_arrow():
    inside, outside = (
        draw_claims([ClaimRow("id", "A claim", "underpowered", "", 0.0, interval)], "claims").svg
        for interval in ((-1.0, LIMIT - 1), (-1.0, math.inf))
    )
    assert outside.count("<use") == inside.count("<use") + 1
