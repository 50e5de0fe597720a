"""Layouts: which layers a network has, in which order and size, as data."""

from dataclasses import dataclass, replace

DROPOUT_PLACES = {"fc": ("fc",), "conv": ("conv",), "all": ("fc", "conv")}


@dataclass(frozen=True)
class Conv:
    """A convolution of a layout.

    Attributes:
        lrn, pool: Whether the layout has normalisation, and max pooling, after the convolution.
        linear: Whether the convolution has no activation.
        replaceable: Whether the factor `kernel` replaces the convolution; only a 5x5 one is ever replaced.
    """

    name: str
    channels: int
    kernel: int = 3
    stride: int = 1
    padding: int = 1
    groups: int = 1
    lrn: bool = False
    pool: bool = False
    linear: bool = False
    replaceable: bool = True


@dataclass(frozen=True)
class Layout:
    """A network's layers.

    Attributes:
        size: Side of the input, pixels.
        pad: Pixels that training images are padded with on each side before a crop.
        convs: The convolutions, first to last.
        units: Units of each hidden fully connected layer, first to last.
        drop_before: Whether dropout precedes the hidden fully connected layers, else it follows their activation.
        pool_first: Whether pooling precedes normalisation.
        pool: Kernel and stride of max pooling, pixels.
        pool_ceil: Whether pooling windows may reach over the edge.
        square_px: Side of the square that photographs are cut to before a crop; 0 for a layout of small images.
    """

    size: int
    pad: int
    convs: tuple[Conv, ...]
    units: tuple[int, ...]
    drop_before: bool = False
    pool_first: bool = False
    pool: tuple[int, int] = (3, 2)
    pool_ceil: bool = False
    square_px: int = 0

    @property
    def removable(self) -> list[str]:
        """Layers that `ModelConfig.without` can leave out: 3x3 convolutions and the second hidden connected layer."""
        second_hidden = [f"fc{len(self.convs) + 2}"] if len(self.units) > 1 else []
        return [conv.name for conv in self.convs if conv.kernel == 3] + second_hidden

    def pooled(self, size: int) -> int:
        """Side of a map after max pooling, from its side before."""
        kernel, stride = self.pool
        excess = size - kernel
        return (-(-excess // stride) if self.pool_ceil else excess // stride) + 1


def scaled_channels(channels: float, width: float, groups: int = 1) -> int:
    """Channels at a width, at least one for each group and a multiple of the groups."""
    return groups * max(1, round(channels * width / groups))


def _paper(groups: int, size: int = 227, square_px: int = 256, units: int = 4096, pool_first: bool = False) -> Layout:
    """AlexNet of Krizhevsky et al. 2012, figure 2 (two groups), or without groups; the square of section 2."""
    convs = (
        Conv("conv1", 96, 11, 4, 0, lrn=True, pool=True),
        Conv("conv2", 256, 5, 1, 2, groups, lrn=True, pool=True),
        Conv("conv3", 384),
        Conv("conv4", 384, groups=groups),
        Conv("conv5", 256, groups=groups, pool=True),
    )
    return Layout(size, 0, convs, (units, units), pool_first=pool_first, pool_ceil=pool_first, square_px=square_px)


def _one_weird_trick(size: int, pad: int, pooled: tuple[str, ...], square_px: int = 0) -> Layout:
    """AlexNet of Krizhevsky 2014 (arXiv 1404.5997), as in torchvision; the article's pools after conv1 alone."""
    convs: tuple[Conv, ...] = (
        Conv("conv1", 64, 11, 4, 2, lrn=True),
        Conv("conv2", 192, 5, 1, 2, lrn=True),
        Conv("conv3", 384),
        Conv("conv4", 256),
        Conv("conv5", 256),
    )
    convs = tuple(replace(conv, pool=conv.name in pooled) for conv in convs)
    return Layout(size, pad, convs, (4096, 4096), drop_before=True, square_px=square_px)


LAYOUTS = {
    # AlexNet of Krizhevsky et al. 2012, figure 2, for 32 pixels: maps of 16, 8 and 4 pixels, each larger than the
    # kernels that see it. The factor `kernel` replaces conv2 alone, so that its arms differ in one layer.
    "alexnet-32": Layout(
        32,
        4,
        (
            Conv("conv1", 96, 5, 2, 2, lrn=True, pool=True, replaceable=False),
            Conv("conv2", 256, 5, 1, 2, lrn=True, pool=True),
            Conv("conv3", 384),
            Conv("conv4", 384),
            Conv("conv5", 256),
        ),
        (4096, 4096),
        pool_ceil=True,
    ),
    # Krizhevsky et al. 2012, figure 1; sizes of cuda-convnet's networks for CIFAR-10
    "four-layer": Layout(
        32,
        4,
        (
            Conv("conv1", 32, 5, 1, 2, lrn=True, pool=True),
            Conv("conv2", 32, 5, 1, 2, lrn=True, pool=True),
            Conv("conv3", 64, 5, 1, 2, pool=True),
        ),
        (),
        pool_first=True,
        pool_ceil=True,
    ),
    "document": _one_weird_trick(32, 4, ("conv1",)),
    "document-pooled": _one_weird_trick(32, 4, ("conv1", "conv2")),
    "torchvision": _one_weird_trick(224, 0, ("conv1", "conv2", "conv5"), square_px=256),
    "ungrouped": _paper(groups=1),
    "two-group": _paper(groups=2),
    # Mishkin et al. 2017 (arXiv 1606.02228), section 2.1: Caffe's version for photographs of 144 pixels
    "caffenet-128": _paper(groups=2, size=128, square_px=144, units=2048, pool_first=True),
    # Zhang et al. 2017 (arXiv 1611.03530), appendix A, 'Small Alexnet'
    "zhang": Layout(
        28,
        0,
        (Conv("conv1", 64, 5, 1, 2, lrn=True, pool=True), Conv("conv2", 64, 5, 1, 2, lrn=True, pool=True)),
        (384, 192),
        pool_first=True,
        pool_ceil=True,
    ),
}
