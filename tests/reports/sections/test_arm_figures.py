"""Figures of trained arms."""

from __future__ import annotations

from ablations import Claim, Contrast, Exact, Study
from reports.rendering.plot_style import COLOURS
from reports.sections.arm_figures import _select_faint


def test_of_many_arms_the_baseline_and_those_that_claims_compare_keep_their_colours():
    parts = Contrast("test/accuracy", "arm 14", "arm 13", margin=1), Exact("macs/total", "arm 12", 0, 1)
    study = Study("?", (Claim("c", "C", parts),), arms={f"arm {number}": {} for number in range(15)})
    faint = _select_faint(study, list(study.arms))
    assert faint == [f"arm {number}" for number in range(7, 12)]
    assert len(study.arms) - len(faint) == len(COLOURS)
    assert _select_faint(study, list(study.arms)[:10]) == []
