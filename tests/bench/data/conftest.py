import itertools
import socket

import numpy as np
import pytest
from image_folders import PHOTO_CLASSES, PHOTO_SIZES, make_folder
from PIL import Image

from bench.data import image_folder
from bench.data.source import locate
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial


@pytest.fixture
def images(tmp_path):
    return make_folder(tmp_path / "images")


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def decoded_files(monkeypatch):
    """List to which every decoded file is appended."""
    files, decode = [], image_folder.decode_thumbnail
    monkeypatch.setattr(image_folder, "decode_thumbnail", lambda file, side: files.append(file) or decode(file, side))
    return files


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """Remove the network and CIFAR-10 on disk; return the list of attempts to reach its server."""
    attempts = []

    def refuse(address, timeout=None):
        attempts.append((address, timeout))
        raise OSError("Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    return attempts


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """Smooth pictures of several sizes in ImageNet's folders, per class ten for training and four for testing."""
    root, draws = tmp_path_factory.mktemp("photographs") / "wnids", np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 4)):
        for name in PHOTO_CLASSES:
            place = root / split / name
            place.mkdir(parents=True)
            for number, size in zip(range(count), itertools.cycle(PHOTO_SIZES)):
                small = Image.fromarray(draws.integers(0, 256, (6, 6, 3)).astype(np.uint8))
                small.resize(size, Image.Resampling.BICUBIC).save(place / f"{number}.JPEG", quality=95)
    return root


@pytest.fixture(scope="session")
def source(folder, tmp_path_factory):
    return locate(str(folder), tmp_path_factory.mktemp("out"), photographs=True)


@pytest.fixture(scope="session")
def trial(source):
    recipe = TrainConfig(0.01, "plateau", 5e-4, batch=8, epochs=2, augmentation="paper", optimiser="sgd")
    return Trial(ModelConfig("caffenet-128", classes=1000, width=1 / 16, initial="paper"), recipe, source.data, 0)
