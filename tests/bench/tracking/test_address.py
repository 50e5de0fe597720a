"""No message shows a password, wherever it stands."""

import pytest
from mlflow.exceptions import MlflowException

from bench.tracking.address import hide_secrets
from bench.tracking.mlflow_format import summarize_error, to_input_error

ADDRESSES = {
    "http://alice:s3cretpw@host:5000/path": "http://***@host:5000/path",
    "https://s3cretpw@host": "https://***@host",
    "postgresql+psycopg2://alice:s3cr@s3cretpw/#@host/db": "postgresql+psycopg2://***@host/db",
    "mysql://alice:s3cretpw@host:3306/db": "mysql://***@host:3306/db",
    "postgresql://host/db?user=bob&password=s3cretpw&sslmode=require": (
        "postgresql://host/db?user=bob&password=***&sslmode=require"
    ),
    "mssql+pyodbc:///?odbc_connect=DRIVER%3DX%3BPWD%3Ds3cretpw": "mssql+pyodbc:///?odbc_connect=***",
    "http://host:5000/a@b.html?view=x": "http://***@b.html?view=x",  # rather too much than too little
    "sqlite:////home/user@domain/out/mlflow.db": "sqlite:////home/user@domain/out/mlflow.db",
    "databricks://profile": "databricks://profile",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_shown_without_its_secrets(monkeypatch, address):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert hide_secrets(address, address) == ADDRESSES[address]
    assert "s3cretpw" not in hide_secrets(f"cannot read '{address}': retry")
    if "s3cretpw" in address:
        assert "s3cretpw" not in str(to_input_error(address, ValueError(f"no host in {address!r}, or is it s3cretpw?")))


def test_a_drivers_message_is_shown_without_the_secrets_of_the_environment(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://alice:pa%40ss:w0rd@host/db")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-token\n")
    message = (
        "could not translate host name 'w0rd@host' of pa@ss:w0rd or pa%40ss:w0rd; invalid header 'Bearer a-token\\n'"
    )
    shown = summarize_error(MlflowException(message))
    assert shown == (
        "MlflowException: could not translate host name '***@host' of *** or ***; invalid header 'Bearer ***\\n'"
    )


def test_a_long_message_is_visibly_cut(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shown = summarize_error(ValueError("word " * 100 + "\nadvice"))
    assert len(shown) < 260 and shown.endswith("word ...")
