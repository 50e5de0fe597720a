"""Photographs that stay on disk: found, cut, read in order, trained on, packed."""

import itertools
import json
import multiprocessing
import os
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps
from torchvision.transforms import TenCrop
from torchvision.transforms.functional import to_tensor

from bench.components.augmentations import AUGMENTATIONS, Batch
from bench.data import image_sets, photo_packing
from bench.data.image_sets import decode_square
from bench.data.loader import make_loader
from bench.data.source import locate
from bench.data.splits import load_splits
from bench.metrics.accuracy import evaluate_crops
from bench.models.alexnet import build
from bench.records import store
from bench.runner import worker
from bench.runner.task import Task
from bench.spec.config import ModelConfig, TrainConfig
from bench.spec.errors import InputError
from bench.spec.jobs import Trial
from bench.training.loop import train
from bench.training.state import State

CLASSES = "n01440764", "n02084071", "n04254680"
SIZES = (170, 150), (150, 210), (144, 144), (330, 160)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Smooth pictures of several sizes, ten a class to train on and four to test, in ImageNet's layout."""
    root, draws = tmp_path_factory.mktemp("photographs") / "wnids", np.random.default_rng(0)
    for split, count in (("train", 10), ("val", 4)):
        for name in CLASSES:
            place = root / split / name
            place.mkdir(parents=True)
            for number, size in zip(range(count), itertools.cycle(SIZES)):
                small = Image.fromarray(draws.integers(0, 256, (6, 6, 3)).astype(np.uint8))
                small.resize(size, Image.Resampling.BICUBIC).save(place / f"{number}.JPEG", quality=95)
    return root


@pytest.fixture(scope="module")
def source(folder, tmp_path_factory):
    return locate(str(folder), tmp_path_factory.mktemp("out"), photographs=True)


@pytest.fixture(scope="module")
def trial(source):
    recipe = TrainConfig(0.01, "plateau", 5e-4, batch=8, epochs=2, augmentation="paper", optimiser="sgd")
    return Trial(ModelConfig("caffenet-128", classes=1000, width=1 / 16, initial="paper"), recipe, source.data, 0)


# Found and cut


def test_an_index_holds_every_photograph_once_and_one_in_ten_for_validation(folder, source):
    assert (source.data.train, source.validation, source.test) == (27, 3, 12)
    assert (source.data.classes, source.classes, source.photographs) == (3, CLASSES, True)
    files = {
        split: [image_sets.photo_index.file(source.folder, split, n) for n in range(count)]
        for split, count in (("train", 27), ("validation", 3), ("test", 12))
    }
    assert sorted(files["train"] + files["validation"]) == sorted((folder / "train").glob("*/*"))
    assert sorted(files["test"]) == sorted((folder / "val").glob("*/*"))
    for split, own in files.items():
        labels = image_sets.photo_index.labels(source.folder, split)
        assert [CLASSES[label] for label in labels] == [file.parent.name for file in own]
        assert sorted(labels[:3]) == [0, 1, 2], "stratified"


def test_a_photograph_more_or_another_size_is_another_data_set(folder, tmp_path):
    copy = tmp_path / "copy"
    for file in folder.glob("*/*/*"):
        (copy / file.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
        (copy / file.relative_to(folder)).write_bytes(file.read_bytes())
    digests = [locate(str(copy), tmp_path / "out", photographs=True).data.digest]
    (copy / "train" / CLASSES[0] / "more.JPEG").write_bytes((copy / "train" / CLASSES[0] / "0.JPEG").read_bytes())
    digests.append(locate(str(copy), tmp_path / "out", photographs=True).data.digest)
    assert locate(str(folder), tmp_path / "out", photographs=True).data.digest == digests[0] != digests[1]


@pytest.mark.parametrize("wanted", ["auto", "digits", "cifar10", ""])
def test_small_images_are_no_photographs(wanted, tmp_path, monkeypatch):
    monkeypatch.delenv("ABLATE_DATA", raising=False)
    with pytest.raises(InputError, match="takes a folder of photographs"):
        locate(wanted, tmp_path, photographs=True)


@pytest.mark.parametrize("size", SIZES)
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


# Read


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
    def seen(**levels):
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

    assert torch.equal(seen(), seen(model=replace(trial.model, activation="tanh")))
    assert not torch.equal(seen(), seen(seed=1))


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


# Trained on


@pytest.mark.parametrize("layout", ["ungrouped", "two-group", "torchvision", "caffenet-128"])
def test_every_layout_for_photographs_trains_on_them(source, trial, layout):
    one = replace(
        trial, model=replace(trial.model, layout=layout, width=1 / 32), recipe=replace(trial.recipe, epochs=1)
    )
    *_, last = train(one, build(one.model, 0), load_splits(one, source))
    assert np.isfinite(last["metrics"]["test/loss"]) and "diverged" not in last
    assert {"test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"} <= last["metrics"].keys()


def test_a_trial_that_was_stopped_within_an_epoch_ends_with_the_same_bits(source, trial):
    def run(saved=None, due=lambda: False):
        network = build(trial.model, 0)
        return train(trial, network, load_splits(trial, source), saved, due), network

    (points, network), asked = run(), iter([False, True])
    *_, whole = points
    (points, again) = run(next(point["state"] for point in run(due=lambda: next(asked))[0] if "state" in point))
    *_, rest = points
    assert rest["metrics"]["test/loss"] == whole["metrics"]["test/loss"]
    assert all(map(torch.equal, network.parameters(), again.parameters()))


def test_ten_crops_are_torchvisions_and_their_mean_is_taken(source, trial):
    network = build(trial.model, 3)
    test = load_splits(trial, source).test
    right = np.zeros(3)
    network.eval()
    with torch.no_grad():
        for place in range(12):
            picture = Image.fromarray(test.squares[place].numpy())
            crops = torch.stack([to_tensor(crop) * 2 - 1 for crop in TenCrop(128)(picture)])
            each = network(crops).softmax(1)
            centre, mean, label = each[4], each.mean(0), test.labels[place]  # torchvision's fifth is the centre
            right += [label in centre.topk(5).indices, mean.argmax() == label, label in mean.topk(5).indices]
    found = evaluate_crops(network, test)
    assert list(found) == ["test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"]
    assert list(found.values()) == pytest.approx(list(right / 12))


# Packed


def test_what_is_packed_keeps_its_place_and_loses_nothing_but_size(folder, tmp_path):
    done = list(photo_packing.pack(folder, tmp_path / "packed", 144))
    assert {packed.outcome for packed in done} == {"packed"} and len(done) == 42
    names = sorted(file.relative_to(folder) for file in folder.glob("*/*/*"))
    assert sorted(file.relative_to(tmp_path / "packed") for file in (tmp_path / "packed").glob("*/*/*")) == names
    for name in names[:6]:
        before, after = (np.asarray(decode_square(root / name, 144), int) for root in (folder, tmp_path / "packed"))
        assert np.abs(before - after).mean() < 2


def test_packing_goes_on_where_it_was_stopped(folder, tmp_path):
    some = list(itertools.islice(photo_packing.pack(folder, tmp_path / "packed", 144), 5))
    made = {file: file.stat().st_mtime_ns for file in (tmp_path / "packed").glob("*/*/*")}
    again = list(photo_packing.pack(folder, tmp_path / "packed", 144))
    assert len(some) == 5 and sum(packed.outcome == "present" for packed in again) == len(made) >= 5
    assert all(file.stat().st_mtime_ns == when for file, when in made.items())
    assert not [name for _, _, names in os.walk(tmp_path / "packed") for name in names if name.endswith(".tmp")]


def test_what_cannot_be_read_is_told_and_left_out(ablate, folder, tmp_path):
    (tmp_path / "images/train/a").mkdir(parents=True)
    Image.new("RGB", (300, 280)).save(tmp_path / "images/train/a/good.png")
    (tmp_path / "images/train/a/bad.jpg").write_bytes(b"\xff\xd8 nothing")
    done = ablate("pack", tmp_path / "images", tmp_path / "packed")
    assert done.returncode == 1 and "1 packed, 0 already there, 1 left out" in done.stdout
    assert "bad.jpg cannot be read as an image" in (tmp_path / "packed/broken.txt").read_text()
    assert [file.name for file in (tmp_path / "packed").glob("*/*/*")] == ["good.png.jpg"]


def test_squares_of_two_sizes_are_not_put_into_one_folder(folder, tmp_path):
    list(photo_packing.pack(folder, tmp_path / "packed", 144))
    with pytest.raises(InputError, match="packed holds squares of 144 pixels, not of 256: name another folder"):
        list(photo_packing.pack(folder, tmp_path / "packed", 256))


def test_a_folder_cannot_be_packed_into_itself(folder):
    with pytest.raises(InputError, match="name a folder outside it"):
        list(photo_packing.pack(folder, folder / "packed", 144))


# The whole house


def test_a_study_of_photographs_goes_through_the_whole_house(ablate, folder, tmp_path):
    (tmp_path / "bite.py").write_text(
        """
from ablations import Ask, CAFFENET, Claim, Contrast, Printed, Study

STUDY = Study(
    question="Is tanh as good on photographs?",
    arms={"relu": {}, "tanh": {"activation": "tanh"}},
    probes=(Ask("activity", ("relu",)),),
    claims=(
        Claim(
            "tanh-top5",
            "Tanh gets more photographs right among five",
            (Contrast("test/ten_crop/top5", "tanh", "relu", margin=1),),
        ),
    ),
    printed=Printed(CAFFENET, {"relu": 0.471, "tanh": 0.401}),
)
"""
    )
    words = ("--profile", "imagenet-smoke", "--seeds", 1, "--device", "cpu", "--out", tmp_path / "out")
    done = ablate("run", tmp_path / "bite.py", "--data", folder, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "out/reports/report.html").read_text(encoding="utf-8")
    assert "Test accuracy, top 5" in page
    printed = page[page.index("test accuracy, printed by others and ours") :]
    assert "47.1" in printed and "the caffenet-benchmark (Mishkin et al. 2017)" in printed
    assert "caffenet-128" in done.stdout + json.dumps([r["job"] for r in store.read_all(tmp_path / "out")])
    names = {metric for (metric,) in sqlite3.connect(tmp_path / "out/mlflow.db").execute("select key from metrics")}
    assert {"test/top5", "test/ten_crop/accuracy", "test/ten_crop/top5"} <= names
