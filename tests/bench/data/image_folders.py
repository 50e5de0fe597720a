"""Folders of images for the tests, and the images decoded from them."""

import numpy as np
from PIL import Image

from bench.data import pixel_cache

CLASSES = ("cat", "dog", "eel")
PHOTO_CLASSES = "n01440764", "n02084071", "n04254680"
PHOTO_SIZES = (170, 150), (150, 210), (144, 144), (330, 160)


def noise(seed, size=(32, 32)):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def make_folder(root, classes=CLASSES, train=20, test=4, suffix=".png"):
    """Make a folder of different images."""
    seed = 0
    for split, count in (("train", train), ("test", test)):
        for name in classes:
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                noise(seed).save(root / split / name / f"{number:03}{suffix}")
                seed += 1
    return root


def without_margin(source):
    """Pixels and labels of each split."""
    inner = slice(pixel_cache.MARGIN_PX, -pixel_cache.MARGIN_PX)
    return {
        name: (pixels[:, inner, inner], labels) for name, (pixels, labels) in pixel_cache.load(source.folder).items()
    }


def training_images(source):
    """Every image of train and validation with its label, sorted."""
    splits = (without_margin(source)[name] for name in ("train", "validation"))
    return sorted((int(label), image.tobytes()) for split in splits for image, label in zip(*split, strict=True))
