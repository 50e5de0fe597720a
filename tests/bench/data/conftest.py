import socket

import pytest
from image_folders import make_folder

from bench.data import image_folder


@pytest.fixture
def images(tmp_path):
    return make_folder(tmp_path / "images")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def decoded_files(monkeypatch):
    """Every file that is decoded."""
    files, decode = [], image_folder.decode_thumbnail
    monkeypatch.setattr(image_folder, "decode_thumbnail", lambda file, side: files.append(file) or decode(file, side))
    return files


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No network and no CIFAR-10 on disk; the attempts to reach it."""
    attempts = []

    def refuse(address, timeout=None):
        attempts.append((address, timeout))
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    return attempts
