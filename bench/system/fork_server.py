"""A server that has imported modules once, from which processes are forked."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from multiprocessing import forkserver, util
from typing import Any

MAX_PATH = 107 - len("/pymp-12345678/listener-12345678")  # bytes of a folder that holds sockets
SHORT_FOLDER = "/tmp"


def start(modules: Sequence[str]) -> Any:
    """Start this process's server if it does not run yet; return the multiprocessing context of its processes.

    Args:
        modules: Names of the modules that the server imports.

    Raises:
        OSError: The temporary folder or shared memory cannot be used.
    """
    _make_socket_folder()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(modules))
    forkserver.ensure_running()
    return context


def _make_socket_folder() -> None:
    """Make the folder of sockets, which processes inherit, under a short path if TMPDIR is too long for a socket's."""
    folder = tempfile.gettempdir()
    try:
        if len(os.fsencode(folder)) > MAX_PATH:
            tempfile.tempdir = SHORT_FOLDER
        util.get_temp_dir()
    finally:
        tempfile.tempdir = folder
