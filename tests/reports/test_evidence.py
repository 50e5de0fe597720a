"""Evidence gathered for a report."""

import dataclasses
import sys

import fabricate

from bench.records import store
from reports.evidence import gather
from reports.report import export_verdicts


def test_the_values_behind_aggregates_are_not_kept(tmp_path):
    """Raw values are most of a record's size; a large report would hold those of all records in memory."""
    study, setting = fabricate.activations(), fabricate.setting(seeds=1)
    fabricate.write(tmp_path, [study], setting)
    for record in store.read_all(tmp_path):
        store.write(tmp_path, {**record, "raw": {"step_ms": [1.0, 2.0]}})
    records = gather(tmp_path, [study], setting).records
    assert len(records) == 8
    assert all(record.keys() >= {"identity", "environment"} and "raw" not in record for record in records.values())


def test_no_number_of_report_json_is_a_sum_of_floats(tmp_path, monkeypatch):
    """Since Python 3.12 `sum` adds floats in another way."""

    def sum_without_floats(values, start=0):
        values = list(values)
        assert not any(isinstance(value, float) for value in values), "sum() of floats"
        return sum(values, start)

    study, setting = fabricate.activations(), fabricate.setting(seeds=2)
    first, second, *_ = study.arms
    study = dataclasses.replace(study, combinations={"difference": {first: 1.0, second: -1.0}})
    fabricate.write(tmp_path, [study], setting)
    packages = ("reports.evidence", "reports.statistics", "reports.tables", "reports.verdict_json")
    for module in [module for name, module in sys.modules.items() if name.startswith(packages)]:
        monkeypatch.setattr(module, "sum", sum_without_floats, raising=False)
    assert export_verdicts(gather(tmp_path, [study], setting))["claims"]


def test_controls_are_judged_once_for_each_baseline(tmp_path):
    """Two studies share their baseline, and so its A/A and shuffled-label trials; a third has a baseline of its own."""
    first, setting = fabricate.activations(), fabricate.setting()
    claims = tuple(dataclasses.replace(claim, id=f"other {claim.id}") for claim in first.claims)
    shared = dataclasses.replace(first, name="shared", claims=claims)
    other = dataclasses.replace(shared, name="other", base={"dropout": 0.3})
    fabricate.write(tmp_path, [first, shared, other], setting)
    controls = gather(tmp_path, [first, shared, other], setting).controls
    assert [judgement.claim.id for judgement in controls] == [
        f"{name}:{control}" for name in ("activations", "other") for control in ("a-a", "shuffled")
    ]
    a_a, shuffled, *_ = (judgement.main for judgement in controls)
    assert a_a.pairs == shuffled.pairs == setting.profile.seeds
