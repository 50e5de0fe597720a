"""The address of MLflow that the user configured, those of pages for a report, and addresses that may be shown."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from bench.spec.errors import InputError
from bench.system.files import write

SECRET_VARIABLES = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")  # libraries quote them in their messages
SECRET_NAME = r"[\w.-]*(?:pass|pwd|secret|token|key|credential|signature|odbc_connect)[\w.-]*"  # of a query parameter
MIN_SECRET_LENGTH = 3  # characters; hiding shorter parts of a password would hide half of every message

CLIENT_ENVIRONMENT = {  # of MLflow and its drivers, unless the user has set them
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",  # the default blocks for minutes per call
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "PGCONNECT_TIMEOUT": "10",  # PostgreSQL's default is the system's: minutes
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # two lines per run would break the display
}
VIEWS_FILE = "mlflow_views.json"  # in the output folder
ADDRESS = re.compile(r"https?://\S{1,2000}")
LOCAL_UI = "http://127.0.0.1:5000"  # of `ablate ui`


class AddressError(InputError):
    """An address that MLflow can never use, such as one of an unknown scheme."""


def configured_address() -> str:
    """Return MLFLOW_TRACKING_URI: the server or database to which other machines may publish as well; '' if not set."""
    return os.environ.get("MLFLOW_TRACKING_URI", "").strip()


def web_address(address: str) -> str:
    """Return the address of MLflow's web interface without a password: a server's own, or that of `ablate ui`."""
    if not address.lower().startswith("http"):
        return LOCAL_UI
    return re.sub(r"(?<=://)[^/]*@", "", address).partition("?")[0].rstrip("/")


def store_views(out: Path, addresses: Mapping[str, str]) -> None:
    """Keep the addresses of a run's pages, by study, for `ablate report`; if they cannot be, it has no links."""
    with suppress(OSError):
        write(out / VIEWS_FILE, json.dumps(addresses, indent=2).encode())


def load_views(out: Path) -> dict[str, str]:
    """Return the addresses that the last run kept; none if there is no such file, or if it was damaged."""
    try:
        addresses = json.loads((out / VIEWS_FILE).read_text(encoding="utf-8"))
        return {str(name): address for name, address in addresses.items() if ADDRESS.fullmatch(address)}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return {}


def is_served_here(page: str) -> bool:
    """Whether a page is one of `ablate ui` at its default port, which serves it only while it runs."""
    return page.startswith(f"{LOCAL_UI}/#")


def hide_secrets(text: str, address: str = "") -> str:
    """Replace passwords and tokens by asterisks, so that a text can be shown or stored.

    Args:
        text: A message or an address. Whatever stands before the @ of an address, and each query parameter with the
            name of a secret, is hidden.
        address: An address whose secrets are hidden wherever they stand, besides those of the environment: a driver
            that splits an address at the wrong place names parts of a password.
    """
    secrets = {secret for secret_address in (configured_address(), address) for secret in _find_secrets(secret_address)}
    secrets.update(os.environ.get(name, "").strip() for name in SECRET_VARIABLES)
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= MIN_SECRET_LENGTH:
            text = text.replace(secret, "***")
    text = re.sub(r"(?<=\w://)(?!/)\S*@", "***@", text)
    return re.sub(rf"([?&;]{SECRET_NAME}=)[^\s&;'\"]+", r"\1***", text, flags=re.IGNORECASE)


def _find_secrets(address: str) -> Iterator[str]:
    """Yield the secrets in an address, as written and decoded, and the parts at which a parser may split them."""
    match = re.match(r"[\w+.-]+://(?!/)([^:]*):?(.*)@", address, re.DOTALL)
    parameters = parse_qsl(address.partition("?")[2])
    values = [value for name, value in parameters if re.fullmatch(SECRET_NAME, name, re.IGNORECASE)]
    for secret in (match[2] or match[1] if match else "", *values):
        for text in (secret, unquote(secret)):
            yield from (text, *re.split("[@:/?#&;=]", text))
