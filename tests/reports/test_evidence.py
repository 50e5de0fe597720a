"""What a report is made from."""

import fabricate

from bench.records import store
from reports.evidence import gather


def test_the_values_behind_aggregates_are_not_kept(tmp_path):
    """They are most of a record, and a report of thousands would hold them all at once."""
    study, setting = fabricate.activations(), fabricate.setting(seeds=1)
    fabricate.write(tmp_path, [study], setting)
    for record in store.read_all(tmp_path):
        store.write(tmp_path, {**record, "raw": {"step_ms": [1.0, 2.0]}})
    kept = gather(tmp_path, [study], setting).records
    assert len(kept) == 8
    assert all(record.keys() >= {"identity", "environment"} and "raw" not in record for record in kept.values())
