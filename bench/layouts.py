"""The five layouts: what stands where, as the papers have it."""

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

    drop_before: dropout precedes the hidden fully connected layers (else it follows their activation).
    pool_first: pooling precedes normalisation.
    """

    size: int
    pad: int
    convs: tuple[Conv, ...]
    units: tuple[int, ...]
    drop_before: bool = False
    pool_first: bool = False


def _paper(groups: int) -> Layout:
    """Krizhevsky et al. 2012, figure 2 (two groups), or the same without groups."""
    return Layout(
        227,
        0,
        (
            Conv("conv1", 96, 11, 4, 0, lrn=True, pool=True),
            Conv("conv2", 256, 5, 1, 2, groups, lrn=True, pool=True),
            Conv("conv3", 384),
            Conv("conv4", 384, groups=groups),
            Conv("conv5", 256, groups=groups, pool=True),
        ),
        (4096, 4096),
    )


def _one_weird_trick(size: int, pad: int, pooled: tuple[str, ...]) -> Layout:
    """Krizhevsky 2014 (arXiv 1404.5997), as torchvision has it; the document pools after conv1 alone."""
    convs = (
        Conv("conv1", 64, 11, 4, 2, lrn=True),
        Conv("conv2", 192, 5, 1, 2, lrn=True),
        Conv("conv3", 384),
        Conv("conv4", 256),
        Conv("conv5", 256),
    )
    return Layout(size, pad, tuple(replace(c, pool=c.name in pooled) for c in convs), (4096, 4096), drop_before=True)


LAYOUTS = {
    "document": _one_weird_trick(32, 4, ("conv1",)),
    "torchvision": _one_weird_trick(224, 0, ("conv1", "conv2", "conv5")),
    "ungrouped": _paper(groups=1),
    "two-group": _paper(groups=2),
    # Zhang et al. 2017 (arXiv 1611.03530), appendix A, 'Small Alexnet'
    "zhang": Layout(
        28,
        0,
        (Conv("conv1", 64, 5, 1, 2, lrn=True, pool=True), Conv("conv2", 64, 5, 1, 2, lrn=True, pool=True)),
        (384, 192),
        pool_first=True,
    ),
}
