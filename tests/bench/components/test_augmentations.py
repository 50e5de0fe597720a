import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional
from torchvision.transforms import RandomResizedCrop

from bench.components import augmentations
from bench.components.augmentations import AUGMENTATIONS, DRAWS, Batch, draw_epoch
from bench.components.windows import centre, normalised


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def batch(canvas, index, draw, augmentation, size, pad):
    return AUGMENTATIONS[augmentation].apply(Batch(canvas, index, draw, size, pad))


def draws(images, uniform, normal=None):
    """Draws of an epoch, followed by normal draws if their generator is given."""
    return draw_epoch(images, AUGMENTATIONS["paper" if normal else "none"], uniform, normal)


def padded(count, side, pad, seed=0):
    """Noise with black margins: (N, side + 2 pad, side + 2 pad, 3) uint8."""
    pixels = torch.randint(1, 256, (count, side, side, 3), generator=generator(seed)).to(torch.uint8)
    return functional.pad(pixels, (0, 0, pad, pad, pad, pad))


def addressed(side):
    """One image whose pixels hold their row, their column, and 0."""
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return torch.stack((rows, columns, torch.zeros_like(rows)), dim=-1).to(torch.uint8)[None]


def pixels(images):
    """Pixels 0..255, (N, H, W, 3), of normalised images."""
    return ((images.permute(0, 2, 3, 1) + 1) * 127.5).round().to(torch.uint8)


def one_by_one(canvas, index, draw, augmentation, size):
    """Crop and mirror images one at a time."""
    results = []
    for image_index, numbers in zip(index.tolist(), draw.numpy(), strict=True):
        image = canvas[image_index].numpy()
        offsets = image.shape[0] - size + 1
        top = left = (image.shape[0] - size) // 2
        if augmentation in ("crop", "both"):
            top, left = math.floor(numbers[1] * offsets), math.floor(numbers[2] * offsets)
        window = image[top : top + size, left : left + size]
        if augmentation in ("mirror", "both") and numbers[0] < 0.5:
            window = window[:, ::-1]
        results.append(window.transpose(2, 0, 1) / 127.5 - 1)
    return np.stack(results)


LAYOUTS = pytest.mark.parametrize("side, size, pad", [(32, 32, 4), (32, 28, 0), (32, 32, 0)])


@LAYOUTS
@pytest.mark.parametrize("augmentation", ["none", "mirror", "crop", "both"])
def test_a_batch_is_what_one_image_at_a_time_gives(side, size, pad, augmentation):
    canvas, draw = padded(20, side, pad), draws(64, generator())
    index = torch.randint(0, 20, (64,), generator=generator(1))
    images = batch(canvas, index, draw, augmentation, size, pad)
    np.testing.assert_allclose(images, one_by_one(canvas, index, draw, augmentation, size), atol=1e-6)


@LAYOUTS
@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_images_are_float32_in_range_and_channels_last(side, size, pad, augmentation):
    first_draws = draws(5, generator(), generator(1))
    images = batch(padded(5, side, pad), torch.arange(5), first_draws, augmentation, size, pad)
    assert (images.shape, images.dtype) == ((5, 3, size, size), torch.float32)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert augmentation == "paper" or (images.min() >= -1 and images.max() <= 1)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
def test_augmenting_leaves_images_and_draws_alone(augmentation):
    canvas, draw = padded(5, 32, 4), draws(5, generator(), generator(1))
    before, numbers = canvas.clone(), draw.clone()
    batch(canvas, torch.arange(5), draw, augmentation, 32, 4)
    assert torch.equal(canvas, before)
    assert torch.equal(draw, numbers)


def test_colour_shifts_equal_those_computed_by_numpy():
    canvas, index, draw = padded(5, 32, 4), torch.arange(5), draws(5, generator(), generator(1))
    assert torch.equal(draw[:, :DRAWS], draws(5, generator()))
    vectors = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])
    deviations = np.array([0.2175, 0.0188, 0.0045])
    shift = 2 * (draw[:, DRAWS:].double().numpy() * 0.1 * deviations) @ vectors.T  # pixels span two units, not one
    shifted = batch(canvas, index, draw, "paper", 32, 4) - batch(canvas, index, draw, "both", 32, 4)
    np.testing.assert_allclose(shifted, np.broadcast_to(shift[:, :, None, None], shifted.shape), atol=1e-6)


@LAYOUTS
def test_no_augmentation_is_the_centre_that_evaluation_sees(side, size, pad):
    canvas = padded(6, side, pad)
    images = batch(canvas, torch.arange(6), draws(6, generator()), "none", size, pad)
    assert torch.equal(images, centre(canvas, size))
    edge = (side + 2 * pad - size) // 2
    assert torch.equal(pixels(images), canvas[:, edge : edge + size, edge : edge + size])


def test_without_padding_the_centre_of_a_padded_image_is_the_image():
    raw = padded(3, 32, 0)
    assert torch.equal(centre(functional.pad(raw, (0, 0, 4, 4, 4, 4)), 32), normalised(raw))


def test_normalising_takes_mean_and_deviation_one_half():
    levels = torch.tensor([0, 51, 255], dtype=torch.uint8).expand(1, 1, 1, 3)
    torch.testing.assert_close(normalised(levels).flatten(), torch.tensor([-1.0, -0.6, 1.0]))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize("edge", [1, 4])
def test_the_middle_of_a_larger_canvas_is_a_canvas(augmentation, edge):
    middle = padded(9, 40, 0)[2:, edge : 40 - edge, edge : 40 - edge]
    draw, index = draws(7, generator(), generator(1)), torch.arange(7).flip(0)
    images = batch(middle, index, draw, augmentation, 28, 0)
    assert torch.equal(images, batch(middle.contiguous(), index, draw, augmentation, 28, 0))


def test_images_are_taken_by_index_with_repetition():
    canvas = padded(4, 32, 4)
    images = batch(canvas, torch.tensor([2, 0, 2]), draws(3, generator()), "none", 32, 4)
    assert torch.equal(images, centre(canvas[[2, 0, 2]], 32))


@pytest.mark.parametrize("alone, other", [("crop", "both"), ("none", "mirror")])
def test_mirroring_leaves_the_crop_windows_alone(alone, other):
    canvas, draw, index = padded(40, 32, 4), draws(40, generator()), torch.arange(40)
    plain, mirrored = (batch(canvas, index, draw, level, 32, 4) for level in (alone, other))
    flips = draw[:, 0] < 0.5
    assert torch.equal(mirrored[flips], plain[flips].flip(3))
    assert torch.equal(mirrored[~flips], plain[~flips])
    assert 5 < flips.sum() < 35


def test_mirroring_leaves_the_resized_windows_alone():
    canvas, draw, index = padded(40, 32, 4), draws(40, generator()), torch.arange(40)
    documents = batch(canvas, index, draw, "document", 32, 4)
    other_side = draw.clone()
    other_side[:, 0] = 1 - draw[:, 0]
    flipped = batch(canvas, index, other_side, "document", 32, 4)
    torch.testing.assert_close(flipped, documents.flip(3), rtol=0, atol=1e-5)


def test_cropping_leaves_the_mirroring_alone():
    flat = torch.arange(32, dtype=torch.uint8).mul(8).expand(1, 32, 32)[..., None].expand(1, 32, 32, 3).contiguous()
    canvas, draw, index = functional.pad(flat, (0, 0, 4, 4, 4, 4)), draws(50, generator()), torch.zeros(50).long()
    falls = [
        (images[:, 0, 16, 8] > images[:, 0, 16, 22]).tolist()
        for images in (batch(canvas, index, draw, level, 32, 4) for level in ("mirror", "both"))
    ]
    assert falls[0] == falls[1] == (draw[:, 0] < 0.5).tolist()


def test_mirroring_twice_is_the_image():
    canvas, always = padded(6, 32, 0), draws(6, generator())
    always[:, 0] = 0
    mirrored_once = pixels(batch(canvas, torch.arange(6), always, "mirror", 32, 0)).contiguous()
    assert not torch.equal(mirrored_once, canvas)
    assert torch.equal(pixels(batch(mirrored_once, torch.arange(6), always, "mirror", 32, 0)), canvas)


@pytest.mark.parametrize("pad, size, places", [(4, 32, 9), (0, 28, 5)])
def test_every_crop_window_is_reached_about_equally_often(pad, size, places):
    count = 20_000
    canvas = addressed(32 + 2 * pad)
    images = batch(canvas, torch.zeros(count).long(), draws(count, generator()), "crop", size, pad)
    corner = pixels(images[:, :, :1, :1])[:, 0, 0, :2].long()
    hits = torch.bincount(corner[:, 0] * places + corner[:, 1], minlength=places**2)
    assert len(hits) == places**2
    expected = count / places**2
    chi_squared = ((hits - expected) ** 2 / expected).sum().item()
    assert chi_squared < places**2 + 5 * math.sqrt(2 * places**2)


def test_the_largest_draw_stays_inside():
    edge = torch.full((1, DRAWS), 1 - 2**-24)  # the largest that torch.rand can give
    for margin in range(1, 300):
        assert augmentations._offsets(edge[:, 0], margin).item() == margin
    corner = pixels(batch(addressed(40), torch.zeros(1).long(), edge, "crop", 32, 4))[0, 0, 0]
    assert corner.tolist() == [8, 8, 0]


def test_draws_are_uniform_and_repeatable():
    numbers = draws(2_000, generator(3))
    assert numbers.shape == (2_000, DRAWS)
    assert torch.equal(numbers, draws(2_000, generator(3)))
    assert (numbers.mean(0) - 0.5).abs().max() < 5 * math.sqrt(1 / 12 / 2_000)


# The resized crop


def windows(draw, within):
    height, width = augmentations._extent(draw[:, 5:], within)
    top = augmentations._offsets(draw[:, 3], within - height)
    left = augmentations._offsets(draw[:, 4], within - width)
    return torch.stack((top, left, height, width), dim=1)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), within=st.integers(1, 64))
def test_resized_windows_are_whole_and_inside_the_square(seed, within):
    top, left, height, width = windows(draws(200, generator(seed)), within).unbind(1)
    for start, extent in ((top, height), (left, width)):
        assert torch.equal(start, start.round())
        assert torch.equal(extent, extent.round())
        assert start.min() >= 0
        assert extent.min() >= 1
        assert (start + extent).max() <= within


@pytest.mark.parametrize("within", [32, 36])
def test_resized_windows_are_distributed_as_torchvisions(within):
    count = 4_000
    ours = windows(draws(count, generator()), within)
    image = torch.empty(3, within, within)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        get = RandomResizedCrop.get_params
        theirs = torch.tensor([get(image, [0.08, 1.0], [3 / 4, 4 / 3]) for _ in range(count)], dtype=torch.float32)

    def features(sampled_windows):
        top, left, height, width = sampled_windows.unbind(1)
        offsets = (top / (within - height).clamp(min=1), left / (within - width).clamp(min=1))
        return height * width / within**2, (width / height).log(), *offsets

    for mine, reference in zip(features(ours), features(theirs), strict=True):
        levels = torch.linspace(0.02, 0.98, 25)
        below = [(mine <= q).float().mean() - (reference <= q).float().mean() for q in reference.quantile(levels)]
        assert max(map(abs, below)) < 1.95 * math.sqrt(2 / count)  # Kolmogorov-Smirnov test at a level of .001


def cut_then_resized(canvas, index, draw, augmentation, size, pad):
    """Apply the article's transforms one after another: crop, cut a window out of the crop, resize the window."""
    results = []
    for image_index, numbers in zip(index.tolist(), draw, strict=True):
        image = canvas[image_index]
        side = image.shape[0]
        if augmentation == "document":
            row, column = (int(numbers[n].item() * (side - size - 4 + 1)) for n in (1, 2))
            image = image[row : row + size + 4, column : column + size + 4]
        else:
            image = image[pad : side - pad, pad : side - pad]
        top, left, height, width = windows(numbers[None], image.shape[0])[0].int().tolist()
        window = normalised(image[None, top : top + height, left : left + width])
        resized = functional.interpolate(window, (size, size), mode="bilinear", align_corners=False)
        results.append(resized.flip(3) if augmentation == "document" and numbers[0] < 0.5 else resized)
    return torch.cat(results)


@pytest.mark.parametrize("augmentation", ["resized", "document"])
@pytest.mark.parametrize("side, size, pad", [(32, 32, 4), (32, 28, 0)])
def test_a_resized_crop_is_its_window_cut_out_and_then_resized(augmentation, side, size, pad):
    canvas, draw = padded(10, side, pad), draws(100, generator(2))
    index = torch.randint(0, 10, (100,), generator=generator(1))
    images = batch(canvas, index, draw, augmentation, size, pad)
    expected = cut_then_resized(canvas, index, draw, augmentation, size, pad)
    torch.testing.assert_close(images, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("pad", [0, 4])
def test_a_window_that_is_the_whole_image_is_the_image(pad):
    canvas, draw = padded(4, 32, pad), draws(4, generator())
    draw[:, 5 : 5 + augmentations.TRIES] = 1 - 2**-24  # all of the area
    draw[:, 5 + augmentations.TRIES :] = 0.5  # as wide as high
    images = batch(canvas, torch.arange(4), draw, "resized", 32, pad)
    torch.testing.assert_close(images, centre(canvas, 32), rtol=0, atol=1e-5)


def test_where_no_try_fits_the_window_is_the_whole_image():
    canvas, draw = padded(4, 32, 4), draws(4, generator())
    draw[:, 5 : 5 + augmentations.TRIES] = 1 - 2**-24
    draw[:, 5 + augmentations.TRIES :] = 0  # a window of the whole area cannot have this aspect
    images = batch(canvas, torch.arange(4), draw, "resized", 32, 4)
    torch.testing.assert_close(images, centre(canvas, 32), rtol=0, atol=1e-5)


def test_the_first_try_that_fits_is_taken():
    draw = torch.full((1, 2 * augmentations.TRIES), 0.0)
    draw[0, :3] = torch.tensor([1 - 2**-24, 0.5, 0.1])
    draw[0, augmentations.TRIES : augmentations.TRIES + 3] = torch.tensor([0.0, 0.5, 0.5])
    height, width = augmentations._extent(draw, 32)
    assert height.item() == width.item() == round(math.sqrt((0.08 + 0.5 * 0.92) * 32**2))


def test_resizing_alone_never_shows_the_padding():
    canvas = functional.pad(torch.full((1, 32, 32, 3), 255, dtype=torch.uint8), (0, 0, 4, 4, 4, 4))
    images = batch(canvas, torch.zeros(500).long(), draws(500, generator()), "resized", 32, 4)
    torch.testing.assert_close(images, torch.ones_like(images), rtol=0, atol=1e-5)
