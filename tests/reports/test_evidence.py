"""Evidence gathered for a report."""

import fabricate

from bench.records import store
from reports.evidence import gather


def test_the_values_behind_aggregates_are_not_kept(tmp_path):
    """Raw values are most of a record's size; a large report would hold those of all records in memory."""
    study, setting = fabricate.activations(), fabricate.setting(seeds=1)
    fabricate.write(tmp_path, [study], setting)
    for record in store.read_all(tmp_path):
        store.write(tmp_path, {**record, "raw": {"step_ms": [1.0, 2.0]}})
    records = gather(tmp_path, [study], setting).records
    assert len(records) == 8
    assert all(record.keys() >= {"identity", "environment"} and "raw" not in record for record in records.values())
