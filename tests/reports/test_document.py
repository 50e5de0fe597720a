"""Blocks of a whole report."""

from __future__ import annotations

import re
from pathlib import Path

import fabricate
import pytest

from ablations import Setting, Study
from reports.document import build_document
from reports.evidence import gather
from reports.rendering import difference_plot
from reports.rendering.blocks import Answers, Block, Contents, Facts, Figure, Heading, Note, Table, Verdicts
from reports.sections import arm_figures
from reports.sections.changes import QUOTED
from reports.sections.measurements import BY
from reports.text.formatting import MINUS, NOTHING, TIMES


def report_on(out: Path, *studies: Study, setting: Setting | None = None, **options) -> list[Block]:
    setting = setting or fabricate.setting()
    fabricate.write(out, studies, setting, **options)
    return build_document(gather(out, studies, setting))


def table(blocks: list[Block], start: str) -> Table:
    return next(block for block in blocks if isinstance(block, Table) and block.caption.startswith(start))


def column(table: Table, label: str) -> list[str]:
    place = [column.label for column in table.columns].index(label)
    return [row[place].text for row in table.rows]


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[Block]:
    out = tmp_path_factory.mktemp("out")
    return report_on(out, fabricate.activations(), fabricate.sizes(), lost_trials=[("sigmoid", 1)])


def test_the_answer_comes_first_and_appendices_last(blocks):
    headings = [block.text for block in blocks if isinstance(block, Heading) and block.level == 2]
    assert headings[:3] == ["Study: activations", "Study: sizes", "Controls"]
    assert headings[-3:] == ["Appendix: methods", "Appendix: activations", "Appendix: sizes"]
    first = [type(block) for block in blocks[: blocks.index(Heading("Study: activations"))]]
    assert first[-3:] == [Figure, Answers, Contents]


def test_a_claim_is_a_card_with_estimate_margin_interval_and_pairs(blocks):
    lines = [line for block in blocks if isinstance(block, Verdicts) for line in block.lines]
    assert [line.name for line in lines] == ["relu-better", "relu-gap", "relu-step", "size"]
    labels = ["difference", "required", "95 % interval", "pairs", "p, after Holm", "noise floor"]
    assert [label for label, _ in lines[1].measured[0]] == labels
    assert dict(lines[3].measured[0])["counted"] == "28,434,624 parameters"


def test_a_claim_of_several_comparisons_shows_the_numbers_and_the_verdict_of_each(blocks):
    (card,) = (
        line for block in blocks if isinstance(block, Verdicts) for line in block.lines if line.name == "relu-better"
    )
    compared = [(dict(numbers)["compared"], numbers[-1]) for numbers in card.measured]
    assert compared == [
        ("test accuracy, relu against sigmoid", ("verdict", "underpowered")),
        ("test accuracy, relu against tanh", ("verdict", "underpowered")),
    ]


def test_controls_are_a_table_of_their_own(blocks):
    assert column(table(blocks, "Controls of"), "Study") == ["activations", "activations"]
    assert not any(":a-a" in line.name for block in blocks if isinstance(block, Verdicts) for line in block.lines)


def test_the_note_on_the_data_is_shown_at_the_top(blocks):
    prominent = [block for block in blocks[:4] if isinstance(block, Note) and block.prominent]
    assert [note.text for note in prominent] == [fabricate.NOTE]


def test_trials_without_a_result_are_counted_and_named(blocks):
    note = next(block for block in blocks if isinstance(block, Note) and block.title == "Diverged trials")
    start = "1 of 15 trials diverged, and count with their accuracy at chance: sigmoid (seed 1)."
    assert note.text == f"{start} Reason: the loss was not finite."
    assert not any(isinstance(block, Note) and block.title == "Trials without a result" for block in blocks)
    facts = dict(next(block for block in blocks if isinstance(block, Facts) and not block.verdicts).facts)
    assert facts["Trials"] == "15 different: 14 finished, 1 diverged"


def test_the_changes_of_each_arm_are_read_from_its_network(blocks):
    changes = column(table(blocks, "activations: read from"), "Change from the baseline")
    assert changes[0] == "the baseline"
    assert changes[1] == "gain: 1 → 1.67 (throughout)\nactivation: relu → tanh (throughout)"
    assert changes[3:] == ["nothing but the seeds", "labels: true → shuffled"]


def test_an_arm_that_changes_two_things_at_once_is_warned_of(blocks):
    title = "Arms that differ in several aspects at once"
    note = next(block for block in blocks if isinstance(block, Note) and block.title == title)
    assert note.text == f"{QUOTED.format('relu')} against {QUOTED.format('sigmoid')}: activation and dropout."


def test_the_highest_test_accuracy_is_marked_and_nothing_else(blocks):
    means = table(blocks, "activations: means")
    assert [cell.best for cell in means.rows[0][:4]] == [False, False, True, False]
    assert sum(cell.best for row in means.rows for cell in row) == 1


def test_differences_from_the_baseline_stand_beside_the_means_and_in_the_appendix_below_them(blocks):
    means, all_metrics = table(blocks, "activations: means"), table(blocks, "activations: all metrics")
    assert column(means, "Difference")[0] == NOTHING and column(means, "Difference")[1].startswith(f"{MINUS}1.")
    assert all_metrics.rows[0][1].detail == "" and all_metrics.rows[1][1].detail.startswith(f"{MINUS}1.")
    assert column(means, "Seeds") == ["3", "3", "3", "3", "3"]


def test_a_study_with_trials_has_differences_and_curves_and_in_the_appendix_zeros(blocks):
    figures = [block for block in blocks if isinstance(block, Figure)]
    starts = [
        "Estimates with",
        *(f"activations: {what}" for what in ("paired differences", "learning", "share of exact")),
    ]
    assert [figure.caption.startswith(start) for figure, start in zip(figures, starts, strict=True)] == [True] * 4
    assert all(figure.alt and figure.caption for figure in figures)


def test_the_caption_mentions_pairs_without_a_dot(blocks, tmp_path, monkeypatch):
    assert not any("have a dot" in block.caption for block in blocks if isinstance(block, Figure))
    for module in (difference_plot, arm_figures):
        monkeypatch.setattr(module, "MAX_DOTS", 2)
    captions = [block.caption for block in report_on(tmp_path, fabricate.activations()) if isinstance(block, Figure)]
    bound = "Of more than 2 pairs, 2 have a dot, evenly from the smallest difference to the largest."
    assert [caption.endswith(bound) for caption in captions] == [False, True, False, False]


def test_counted_networks_are_shown_layer_by_layer_with_their_sums(blocks):
    layers = table(blocks, "sizes, wide")
    assert layers.sum_rows == 2
    assert column(layers, "Share of parameters")[-2:] == ["0.39", "100.00"]


def test_timings_are_medians_with_a_ratio_to_the_reference(blocks):
    timing = table(blocks, "activations: time of a whole")
    reference, other = timing.rows[0][1:]
    assert TIMES not in reference.detail
    assert f"{TIMES}1.2" in other.detail


def test_kernels_are_compared_with_a_copy_of_the_same_bytes(blocks):
    timing = table(blocks, "activations: time of the activations")
    assert [row[0].text for row in timing.rows] == [
        f"Time of the kernel, {size} elements" for size in ("1,024", "16,384")
    ]
    relu, _, copy = timing.rows[0][1:]
    assert f"{TIMES}0.7" in relu.detail
    assert TIMES not in copy.detail


def test_a_shape_stays_on_one_line(blocks):
    layers = table(blocks, "sizes, wide")
    assert column(layers, "Weights")[0] == BY.join(("64", "64", "3", "3"))


def test_a_part_says_what_it_lacks_beside_its_verdict(blocks):
    parts = table(blocks, "All comparisons of relu-better")
    assert [row[1].detail for row in parts.rows] == ["1 diverged", "13 pairs for power 0.8"]


def test_every_part_shows_the_correlation_across_its_pairs(blocks):
    parts = table(blocks, "All comparisons of relu-gap")
    assert re.fullmatch(rf"r = {MINUS}?[01]\.\d\d", parts.rows[0][4].detail)


def test_a_study_without_records_is_reported_as_not_run(tmp_path):
    study = fabricate.activations()
    blocks = build_document(gather(tmp_path, [study], fabricate.setting()))
    verdicts = next(block for block in blocks if isinstance(block, Verdicts))
    assert {line.verdict for line in verdicts.lines} == {"not run"}
    assert not any(isinstance(block, Figure) for block in blocks)


def test_the_smoke_profile_says_that_it_is_no_result(tmp_path):
    blocks = report_on(tmp_path, fabricate.sizes(), setting=fabricate.setting(name="smoke"))
    assert any(isinstance(block, Note) and block.prominent and block.title == "Not a result" for block in blocks)
