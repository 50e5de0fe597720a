"""Databases that a group shares, databases that cannot be written, and addresses that MLflow cannot use."""

import os
import stat

import pytest

import ablate
from bench.tracking import mlflow_client
from bench.tracking.address import AddressError
from bench.tracking.retry_queue import RetryQueue

pytestmark = pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's own


@pytest.mark.usefixtures("obeyed")
def test_a_database_follows_the_umask_and_one_that_is_read_only_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    warnings, database, umask = [], tmp_path / "mlflow.db", os.umask(0o002)
    try:
        mlflow_client.open_store(tmp_path)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(database.stat().st_mode) == 0o664
    database.chmod(0o444)
    queue = RetryQueue(tmp_path, "smoke", warnings.append)
    assert queue.is_installed and not queue.usable
    (warning,) = warnings
    assert warning.startswith(f"the MLflow database {database} cannot be written (permission denied): if a group")
    assert "published later" in warning


@pytest.mark.parametrize(
    "address", ["garbage://x", "localhost:5000", "http:/x", "sqlite:x", "postgresql+no://u:pw12@h"]
)
def test_an_address_that_mlflow_cannot_use_is_refused(tmp_path, monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(
        AddressError, match=r"^MLFLOW_TRACKING_URI is .*, which MLflow cannot use .*: expected an"
    ) as error:
        RetryQueue(tmp_path, "smoke", pytest.fail)
    assert "pw12" not in str(error.value)


def test_a_run_ends_before_training_if_mlflow_cannot_use_the_address(smoke, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "garbage://x")
    assert ablate.main(["run", *smoke.arguments, "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("ablate: MLFLOW_TRACKING_URI is garbage://x, which MLflow cannot use")
    assert not list(tmp_path.glob("trials/*"))
