"""Notes on trials without a result."""

from __future__ import annotations

import fabricate

from ablations.framework.expand import expand_study
from bench.records import store
from bench.records.store import FAILURES
from bench.spec.jobs import Trial
from reports.document import build_document
from reports.evidence import gather
from reports.rendering.blocks import Facts, Note
from reports.sections.arms import tabulate_arms, tabulate_metrics


def test_missing_trials_are_counted_and_named_by_status_with_reasons(tmp_path):
    study, setting = fabricate.activations(), fabricate.setting()
    fabricate.write(tmp_path, [study], setting, lost_trials=[("relu", 0)])
    trials = [place for place in expand_study(study, setting) if place.arm in ("tanh", "sigmoid")]
    for status, place in zip(FAILURES, trials, strict=False):
        reason = f"why it {status}."
        store.write(tmp_path, store.new_record(place.job) | store.failure_fields(status, reason, "a log"))
    store.path(tmp_path, trials[5].job).unlink()
    blocks = build_document(gather(tmp_path, [study], setting))
    notes = {block.title: block.text for block in blocks if isinstance(block, Note)}
    assert notes["Diverged trials"] == (
        "1 of 15 trials diverged, and count with their accuracy at chance: relu (seed 0). "
        "Reason: the loss was not finite."
    )
    assert notes["Trials without a result"] == (
        "1 of 15 trials failed: tanh (seed 0). Reason: why it failed. "
        "1 of 15 trials out of memory: sigmoid (seed 0). Reason: why it out of memory. "
        "1 of 15 trials died: tanh (seed 1). Reason: why it died. "
        "1 of 15 trials hung: sigmoid (seed 1). Reason: why it hung. "
        "1 of 15 trials timed out: tanh (seed 2). Reason: why it timed out. "
        "1 of 15 trials not run: sigmoid (seed 2)."
    )
    facts = dict(next(block for block in blocks if isinstance(block, Facts) and not block.verdicts).facts)
    assert facts["Trials"] == (
        "15 different: 8 finished, 1 diverged, 1 failed, 1 out of memory, 1 died, 1 hung, 1 timed out, 1 not run"
    )


def test_of_many_reasons_the_first_are_listed(tmp_path):
    study, setting = fabricate.activations(), fabricate.setting(seeds=5)
    for number, place in enumerate(place for place in expand_study(study, setting) if isinstance(place.job, Trial)):
        store.write(tmp_path, store.new_record(place.job) | store.failure_fields("failed", f"reason {number:02}"))
    (note,) = (
        block
        for block in build_document(gather(tmp_path, [study], setting))
        if isinstance(block, Note) and block.title == "Trials without a result"
    )
    assert note.text.endswith("Reason: reason 19. 5 more reasons.")


def test_of_many_lost_trials_the_first_are_named(tmp_path):
    blocks = build_document(gather(tmp_path, [fabricate.activations()], fabricate.setting(seeds=22)))
    note = next(block for block in blocks if isinstance(block, Note) and block.title == "Trials without a result")
    assert note.text.startswith("110 of 110 trials not run: relu (seed 0, 1, 2, ")
    assert note.text.count("18, 19 and 2 more)") == 4


def test_arms_without_a_result_have_no_row_and_a_study_without_any_has_no_table(tmp_path):
    study, setting = fabricate.activations(), fabricate.setting()
    assert tabulate_arms(study, gather(tmp_path, [study], setting).for_study(study)) == []
    fabricate.write(tmp_path, [study], setting)
    for place in expand_study(study, setting):
        if place.arm == "tanh":
            store.path(tmp_path, place.job).unlink()
    evidence = gather(tmp_path, [study], setting).for_study(study)
    (means,), (all_metrics,) = tabulate_arms(study, evidence), tabulate_metrics(study, evidence)
    names = ["relu", "sigmoid", "again (control)", "shuffled labels (control)"]
    assert [row[0].text for row in means.rows] == [row[0].text for row in all_metrics.rows] == names
