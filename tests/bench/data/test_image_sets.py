"""Photographs are cut square and read in order, by any number of readers."""

import itertools
import multiprocessing
from dataclasses import replace

import numpy as np
import pytest
import torch
from image_folders import PHOTO_SIZES
from PIL import Image, ImageOps

from bench.components.augmentations import AUGMENTATIONS, Batch
from bench.data import image_sets
from bench.data.image_sets import decode_square
from bench.data.loader import make_loader
from bench.data.source import locate
from bench.data.trial_images import load_splits
from bench.models.network import build
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.training.state import State


@pytest.mark.parametrize("size", PHOTO_SIZES)
@pytest.mark.parametrize("side", [144, 100])
def test_the_square_is_the_middle_resized_as_pil_does_it(tmp_path, size, side):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)).resize(size)
    picture.save(tmp_path / "a.png")
    ours = decode_square(tmp_path / "a.png", side).numpy()
    middle = ImageOps.fit(picture, (min(size), min(size)))
    theirs = middle.resize((side, side), Image.Resampling.BILINEAR)
    assert (ours.shape, ours.dtype) == ((side, side, 3), np.uint8)
    assert np.abs(ours.astype(int) - np.asarray(theirs).astype(int)).max() <= 2


@pytest.mark.parametrize(
    "mode, suffix", [("L", ".png"), ("CMYK", ".jpg"), ("P", ".gif"), ("RGB", ".bmp"), ("RGB", ".tif")]
)
def test_other_modes_and_formats_are_read_as_colours(tmp_path, mode, suffix):
    picture = Image.new("RGB", (150, 150), (204, 204, 204)).convert(mode)
    picture.save(tmp_path / f"a{suffix}")
    assert np.abs(np.asarray(decode_square(tmp_path / f"a{suffix}", 144)).astype(int) - 204).max() <= 3


@pytest.mark.parametrize("count", [0, 2])
def test_batches_come_in_order_whatever_the_number_of_readers(source, trial, monkeypatch, count):
    monkeypatch.setattr(image_sets, "reader_count", lambda device: count)
    images = load_splits(trial, source).train
    order = torch.randperm(27, generator=torch.Generator().manual_seed(3))
    read = list(images.read(order, 10))
    assert [len(batch.labels) for batch in read] == [10, 10, 7]
    for place, pixels, label in zip(order, *map(torch.cat, zip(*read, strict=True)), strict=True):
        assert torch.equal(pixels, images.squares[place]) and label == images.labels[place]


def _first_label(pixels, labels, turn, answers):
    worker.initialize_process(turn)
    image_sets.reader_count = lambda device: 1
    answers.put(next(image_sets.StreamedPhotos(pixels, labels, "cpu").batches(4)).labels.tolist())


def test_a_worker_can_have_readers(source, trial):
    context, images = multiprocessing.get_context("forkserver"), load_splits(trial, source).train
    answers, turn = context.Queue(), context.Value("i", 0)
    worker = context.Process(target=_first_label, args=(images.squares, images.labels, turn, answers), daemon=True)
    worker.start()
    assert answers.get(timeout=60) == images.labels[:4].tolist()
    worker.join(30)
    assert worker.exitcode == 0


def test_arms_of_a_seed_see_the_same_crops_and_shifts(source, trial):
    def seen_images(**levels):
        images = load_splits(trial, source).train
        loader = make_loader(images, 8)
        batches = []
        order, draws = State(replace(trial, **levels), build(trial.model, 0), 3).begin(1, 27)
        loader.begin_epoch(order, 0)
        for first in range(0, 24, 8):
            loader.load(first)
            batch = Batch(loader.images.canvas, loader.index, draws[first : first + 8], 128, 0)
            batches.append(AUGMENTATIONS["paper"].apply(batch))
        return torch.stack(batches)

    assert torch.equal(seen_images(), seen_images(model=replace(trial.model, activation="tanh")))
    assert not torch.equal(seen_images(), seen_images(seed=1))


def test_a_broken_photograph_ends_the_trial_and_is_named(trial, tmp_path):
    for split, name in itertools.product(("train", "test"), "ab"):
        (tmp_path / "images" / split / name).mkdir(parents=True)
        for number in range(3):
            Image.new("RGB", (150, 150)).save(tmp_path / "images" / split / name / f"{number}.jpg")
    (tmp_path / "images/train/a/1.jpg").write_bytes(b"no image")
    source = locate(str(tmp_path / "images"), tmp_path / "out", photographs=True)
    broken = replace(trial, data=source.data, recipe=replace(trial.recipe, batch=2))
    store.folder(tmp_path / "out").mkdir()
    assert worker.perform(Task(broken, source, tmp_path / "out", keep_weights=False)) == "failed"
    assert "images/train/a/1.jpg cannot be read as an image" in store.read(tmp_path / "out", broken)["reason"]
