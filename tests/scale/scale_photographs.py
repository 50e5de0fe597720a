"""Real photographs, in train/<wnid>/, named by ABLATE_TEST_PHOTOGRAPHS: trained on, packed, and read at speed."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import ImageFolder

from bench.data import image_sets, photo_index, photo_packing
from bench.data.image_sets import SquarePhotos, StreamedPhotos
from bench.data.source import locate
from bench.data.trial_images import load_splits
from bench.models.network import build
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.jobs import Trial
from bench.training.loop import train

GIVEN = os.environ.get("ABLATE_TEST_PHOTOGRAPHS", "")
CLASSES, ROUNDS, READERS, BATCH = 5, 3, 2, 32
pytestmark = pytest.mark.skipif(not GIVEN, reason="ABLATE_TEST_PHOTOGRAPHS names no folder of photographs")


def linked(target, photos, count):
    """Make a folder with this number of links to the photographs, four fifths of them for training."""
    for number, photo in zip(range(count), itertools.cycle(photos), strict=False):
        place = target / ("val" if number % 5 == 4 else "train") / f"n{number // 5 % CLASSES:08d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.JPEG").symlink_to(photo)
    return target


@pytest.fixture(scope="module")
def photographs():
    return sorted(Path(GIVEN).glob("train/*/*.JPEG"))[:250]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, photographs):
    return linked(tmp_path_factory.mktemp("photographs") / "sample", photographs, len(photographs))


@pytest.fixture(scope="module")
def source(folder, tmp_path_factory):
    return locate(str(folder), tmp_path_factory.mktemp("out"), photographs=True)


@pytest.mark.parametrize("layout", ["ungrouped", "two-group", "torchvision"])
def test_twenty_steps_of_each_layout_for_imagenet_and_its_ten_crops(source, layout):
    recipe = TrainConfig(0.01 * 8 / 128, "plateau", 5e-4, batch=8, epochs=1, augmentation="paper", optimiser="sgd")
    trial = Trial(ModelConfig(layout, classes=1000, initial="paper"), recipe, source.data, 0)
    assert source.data.train // recipe.batch >= 20
    *_, last = train(trial, build(trial.model, 0), load_splits(trial, source))
    assert "diverged" not in last and len(last["step_ms"]) >= 17
    assert all(0 <= last["metrics"][f"test/{name}"] <= 1 for name in ("top5", "ten_crop/accuracy", "ten_crop/top5"))


def seconds(loader):
    start = time.perf_counter()
    count = sum(len(batch[1]) for batch in loader)
    return (time.perf_counter() - start) / count


class Ours:
    """The input of a trial by the harness, for one epoch."""

    def __init__(self, source, split="train"):
        labels = torch.from_numpy(photo_index.labels(source.folder, split))
        self.images = StreamedPhotos(SquarePhotos(source.folder, split, 256), labels, "cpu")

    def __iter__(self):
        return self.images.batches(BATCH)


def pil(folder):
    """The input by PIL and torchvision transforms, as in tutorials."""
    steps = [transforms.Resize(256), transforms.RandomCrop(227), transforms.RandomHorizontalFlip()]
    steps += [transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)]
    images = ImageFolder(str(folder / "train"), transforms.Compose(steps))
    return DataLoader(images, BATCH, shuffle=True, num_workers=READERS)


def test_the_input_path_beats_a_folder_read_by_pil(photographs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(image_sets, "reader_count", lambda device: READERS)
    folder = linked(tmp_path / "linked", photographs, 1_250)
    source = locate(str(folder), tmp_path / "out", photographs=True)
    list(photo_packing.pack(folder, tmp_path / "packed", 256))
    packed = locate(str(tmp_path / "packed"), tmp_path / "out", photographs=True)
    inputs = {"pil": pil(folder), "unpacked": Ours(source), "packed": Ours(packed)}
    for loader in inputs.values():
        seconds(loader)
    took = {name: [] for name in inputs}
    for _ in range(ROUNDS):
        for name, loader in inputs.items():
            took[name].append(seconds(loader))
    ratios = {name: np.median(np.array(took["pil"]) / np.array(samples_s)) for name, samples_s in took.items()}
    with capsys.disabled():
        print({name: f"{1 / np.median(took[name]):.0f} images/s, {ratios[name]:.2f} x" for name in took})
    assert ratios["unpacked"] >= 1.5 and ratios["packed"] >= 3


MEMORY = """
import json, os, sys
from pathlib import Path
import torch
from bench.data import photo_index, image_sets
from bench.data.source import locate
from bench.data.image_sets import StreamedPhotos, SquarePhotos

def peak(process):
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024

def stat(process):
    try:
        return (process / "stat").read_text().rsplit(")", 1)[1].split()[1:2]
    except OSError:
        return []

def below(process):
    own = [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and str(process) in stat(p)]
    return own + [one for child in own for one in below(child)]

if __name__ == "__main__":
    torch.set_num_threads(1)
    image_sets.reader_count = lambda device: 2
    source = locate(sys.argv[1], Path(sys.argv[2]), photographs=True)
    labels = torch.from_numpy(photo_index.labels(source.folder, "train"))
    images = StreamedPhotos(SquarePhotos(source.folder, "train", 256), labels, "cpu")
    peaks = {}
    for batch in images.read(torch.arange(len(labels))[:640] * (len(labels) // 640 or 1) % len(labels), 32):
        peaks |= {process: peak(process) for process in below(os.getpid())}
    print(json.dumps({"parent": peak(os.getpid()), "workers": max(peaks.values())}))
"""


def test_memory_stays_flat_from_250_to_50_000_photographs(photographs, tmp_path):
    memory_by_count = {}
    for count in (250, 50_000):
        folder = linked(tmp_path / str(count), photographs, count)
        words = [sys.executable, "-c", MEMORY, str(folder), str(tmp_path / f"out{count}")]
        process = subprocess.run(words, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False)
        assert process.returncode == 0, process.stderr
        memory_by_count[count] = json.loads(process.stdout)
    print(memory_by_count)
    for name in ("parent", "workers"):
        assert memory_by_count[50_000][name] < 1.1 * memory_by_count[250][name] + 16, memory_by_count


def test_packing_real_photographs_can_be_interrupted(ablate, command, folder, tmp_path):
    target = tmp_path / "packed"
    process = subprocess.Popen([*command, "pack", str(folder), str(target)], stdout=subprocess.DEVNULL)
    while len(list(target.glob("*/*/*.JPEG"))) < 20:
        time.sleep(0.02)
    process.kill()
    process.wait()
    packed_count = len(list(target.glob("*/*/*.JPEG")))
    process = ablate("pack", folder, target)
    assert process.returncode == 0 and packed_count < 250
    assert f"{250 - packed_count} packed, {packed_count} already there, 0 left out" in process.stdout
    assert len(list(target.glob("*/*/*.JPEG"))) == 250
    shutil.rmtree(target)
