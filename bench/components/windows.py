"""Windows of images: cut by one gather, centred, or the ten of the paper; normalised to -1..1."""

from collections.abc import Iterator

import torch
from torch import Tensor


def normalised(pixels: Tensor) -> Tensor:
    """Normalise by mean and deviation 0.5: (N, H, W, 3) uint8 to (N, 3, H, W) float32, channels last in memory."""
    return pixels.to(torch.float32).mul_(2 / 255).sub_(1).permute(0, 3, 1, 2)


def centre(canvas: Tensor, size: int) -> Tensor:
    """Cut the middle of each image, as evaluation does: (N, C, C, 3) uint8 to (N, 3, size, size) float32."""
    return normalised(middle(canvas, size))


def middle(canvas: Tensor, size: int) -> Tensor:
    """Cut the middle of each image: (N, C, C, 3) uint8 to (N, size, size, 3) uint8."""
    edge = (canvas.shape[1] - size) // 2
    return canvas[:, edge : edge + size, edge : edge + size]


def ten_crops(canvas: Tensor, size: int) -> Iterator[Tensor]:
    """Yield ten windows, each (N, 3, size, size) float32: the middle, the corners, then all five mirrored.

    Krizhevsky et al. 2012, section 4.1.
    """
    end = canvas.shape[1] - size
    corners = ((end // 2, end // 2), (0, 0), (0, end), (end, 0), (end, end))
    windows = [canvas[:, top : top + size, left : left + size] for top, left in corners]
    yield from (normalised(window) for window in (*windows, *(window.flip(2) for window in windows)))


def gather_windows(canvas: Tensor, index: Tensor, corner: Tensor, mirror: Tensor, size: int) -> Tensor:
    """Cut one window from each chosen image by a single gather.

    Args:
        canvas: (N, C, C, 3) uint8. It can be the middle of a larger tensor: its strides are used.
        index: (B,) int64, the images to take.
        corner: (B, 2) int64, row and column of each window's first pixel.
        mirror: (B,) bool, the windows to mirror.
        size: Side of a window, pixels.

    Returns:
        (B, size, size, 3) uint8.
    """
    (images, side), steps = canvas.shape[:2], torch.arange(size, device=canvas.device)
    image_stride, row_stride = canvas.stride(0) // 3, canvas.stride(1) // 3  # in pixels
    pixels = canvas.as_strided(((images - 1) * image_stride + (side - 1) * row_stride + side, 3), (3, 1))
    rows = corner[:, 0, None] + steps
    columns = corner[:, 1, None] + torch.where(mirror[:, None], steps.flip(0), steps)
    positions = (index * image_stride)[:, None, None] + rows[:, :, None] * row_stride + columns[:, None, :]
    return pixels.index_select(0, positions.view(-1)).view(len(index), size, size, 3)
