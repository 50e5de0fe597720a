"""MLflow with PostgreSQL: the same runs as with SQLite."""

from __future__ import annotations

import shutil

from servers import all_runs, postgres

from bench.records import store
from bench.tracking.publisher import Publisher


def test_postgresql_gets_the_same_runs_as_sqlite(undisturbed, tmp_path, monkeypatch):
    out = shutil.copytree(undisturbed, tmp_path / "out")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    runs_by_store = []
    with postgres() as empty:
        for address in f"sqlite:///{tmp_path}/fresh.db", empty:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
            for _ in "once", "again":
                publisher = Publisher(out)
                for record in store.read_all(out):
                    publisher.publish(record)
                publisher.publish_report("?", [out / "reports" / "report.html"])
            runs_by_store.append(all_runs(publisher))
    assert len(runs_by_store[0]) == len(store.read_all(out)) + 1
    assert runs_by_store[0] == runs_by_store[1]
    assert not list((tmp_path / "here").iterdir()) and list((out / "artifacts").rglob("report.html"))
