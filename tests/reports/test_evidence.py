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
