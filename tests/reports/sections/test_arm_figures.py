"""Figures of trained arms."""

from __future__ import annotations

import dataclasses
import statistics

import fabricate
import pytest

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


def test_a_claimed_ratio_is_drawn_as_ratios_before_test_accuracy(tmp_path):
    speed = Contrast("speed/images_per_second", "relu", "tanh", margin=1.5, ratio=True)
    study = dataclasses.replace(fabricate.activations(), claims=(Claim("fast", "ReLU is fast", (speed,)),))
    fabricate.write(tmp_path, [study], fabricate.setting())
    evidence = gather(tmp_path, [study], fabricate.setting()).for_study(study)
    differences, _ = arm_figures.draw_arms(study, evidence)
    assert differences.alt.startswith("Paired ratios to relu, Ratio of")
    assert differences.caption.startswith(
        "activations: paired ratios to relu and differences from relu; one dot per pair"
    )
    table = arm_figures._tabulate_differences(study, evidence, speed.metric, ratio=True).set_index("arm")
    relu, tanh = (
        evidence.results.query("arm == @arm").sort_values("pair")[speed.metric].tolist() for arm in ("relu", "tanh")
    )
    ratios = [a / b for a, b in zip(tanh, relu, strict=True)]
    assert table.loc["tanh", "pairs"] == pytest.approx(tuple(ratios))
    assert table.loc["tanh", "mean"] == pytest.approx(statistics.geometric_mean(ratios))
    assert table.loc["tanh", "margin"] == 1.5


def test_a_figure_of_the_control_alone_is_left_out(tmp_path):
    study = dataclasses.replace(fabricate.activations(), claims=(), arms={"relu": {}})
    fabricate.write(tmp_path, [study], fabricate.setting())
    evidence = gather(tmp_path, [study], fabricate.setting()).for_study(study)
    (curves,) = arm_figures.draw_arms(study, evidence)
    assert curves.caption.startswith("activations: learning curves")
