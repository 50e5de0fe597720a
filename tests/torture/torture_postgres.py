"""MLflow's tables in PostgreSQL, in a cluster of the test's own: the same runs as in SQLite."""

from __future__ import annotations

import shutil

from servers import all_runs, postgres

from bench.records import store
from bench.tracking.publisher import Publisher


def test_postgresql_gets_the_same_runs_as_sqlite(alone, tmp_path, monkeypatch):
    out = shutil.copytree(alone, tmp_path / "out")
    monkeypatch.chdir(tmp_path)  # where MLflow puts artifacts
    found = []
    with postgres() as empty:
        for address in f"sqlite:///{tmp_path}/fresh.db", empty:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
            for _ in "once", "again":
                publisher = Publisher(out)
                for record in store.read_all(out):
                    publisher.publish(record)
                publisher.publish_report("?", [out / "reports" / "report.html"])
            found.append(all_runs(publisher))
    assert len(found[0]) == len(store.read_all(out)) + 1
    assert found[0] == found[1]
