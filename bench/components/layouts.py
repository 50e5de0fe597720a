"""The layouts: what stands where, as the papers have it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Conv:
    """A convolution of a layout; lrn and pool: whether normalisation and max pooling follow it in the paper."""

    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    groups: int = 1
    lrn: bool = False
    pool: bool = False


@dataclass(frozen=True)
class Layout:
    """size: of the input in pixels; pad: what training images are padded with on each side before a crop.

    kept: the square that photographs are cut to before a crop; 0 for a layout of small images.
    drop_before: dropout precedes the hidden fully connected layers (else it follows their activation).
    pool_first: pooling precedes normalisation, and counts windows that reach over the edge.
    """

    size: int
    pad: int
    convs: tuple[Conv, ...]
    units: tuple[int, ...]
    drop_before: bool = False
    pool_first: bool = False
    kept: int = 0


def _paper(groups: int, size: int = 227, kept: int = 256, units: int = 4096, pool_first: bool = False) -> Layout:
    """Krizhevsky et al. 2012, figure 2 (two groups), or the same without groups; the square of section 2."""
    return Layout(
        size,
        0,
        (
            Conv("conv1", 96, 11, 4, 0, lrn=True, pool=True),
            Conv("conv2", 256, 5, 1, 2, groups, lrn=True, pool=True),
            Conv("conv3", 384),
            Conv("conv4", 384, groups=groups),
            Conv("conv5", 256, groups=groups, pool=True),
        ),
        (units, units),
        pool_first=pool_first,
        kept=kept,
    )


def _one_weird_trick(size: int, pad: int, pooled: tuple[str, ...], kept: int = 0) -> Layout:
    """Krizhevsky 2014 (arXiv 1404.5997), as torchvision has it; the document pools after conv1 alone."""
    convs = (
        Conv("conv1", 64, 11, 4, 2, lrn=True),
        Conv("conv2", 192, 5, 1, 2, lrn=True),
        Conv("conv3", 384),
        Conv("conv4", 256),
        Conv("conv5", 256),
    )
    shown = tuple(replace(c, pool=c.name in pooled) for c in convs)
    return Layout(size, pad, shown, (4096, 4096), drop_before=True, kept=kept)


LAYOUTS = {
    "document": _one_weird_trick(32, 4, ("conv1",)),
    "torchvision": _one_weird_trick(224, 0, ("conv1", "conv2", "conv5"), kept=256),
    "ungrouped": _paper(groups=1),
    "two-group": _paper(groups=2),
    # Mishkin et al. 2017 (arXiv 1606.02228), section 2.1: Caffe's version for photographs of 144 pixels
    "caffenet-128": _paper(groups=2, size=128, kept=144, units=2048, pool_first=True),
    # Zhang et al. 2017 (arXiv 1611.03530), appendix A, 'Small Alexnet'
    "zhang": Layout(
        28,
        0,
        (Conv("conv1", 64, 5, 1, 2, lrn=True, pool=True), Conv("conv2", 64, 5, 1, 2, lrn=True, pool=True)),
        (384, 192),
        pool_first=True,
    ),
}
