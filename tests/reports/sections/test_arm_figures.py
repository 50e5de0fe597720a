"""Figures of trained arms."""

from __future__ import annotations

import fabricate

from ablations import Claim, Contrast, Exact, Study
from reports.evidence import gather
from reports.rendering.plot_style import COLOURS
from reports.sections import arm_figures
from reports.sections.arm_figures import _select_faint


def test_of_many_arms_the_baseline_and_those_that_claims_compare_keep_their_colours():
    parts = Contrast("test/accuracy", "arm 14", "arm 13", margin=1), Exact("macs/total", "arm 12", 0, 1)
    study = Study("?", (Claim("c", "C", parts),), arms={f"arm {number}": {} for number in range(15)})
    faint = _select_faint(study, list(study.arms))
    assert faint == [f"arm {number}" for number in range(7, 12)]
    assert len(study.arms) - len(faint) == len(COLOURS)
    assert _select_faint(study, list(study.arms)[:10]) == []


def test_of_hundreds_of_arms_figures_draw_those_that_claims_compare(tmp_path, monkeypatch):
    study, setting = fabricate.activations(), fabricate.setting()
    fabricate.write(tmp_path, [study], setting)
    evidence = gather(tmp_path, [study], setting).for_study(study)
    everything = arm_figures.draw_arms(study, evidence)
    monkeypatch.setattr(arm_figures, "MAX_ARMS", 2)
    figures = arm_figures.draw_arms(study, evidence)
    assert len(figures) == len(everything) and len(study.arms) > 2
    sentence = f" 2 of {len(study.arms)} arms are drawn."
    assert all(figure.caption.endswith(sentence) for figure in figures)
    drawn, left_out = list(study.arms)[:2], list(study.arms)[2:]
    assert all(name in figures[0].alt for name in drawn)
    for name in left_out:
        assert name in everything[0].alt and all(name not in figure.alt for figure in figures)
