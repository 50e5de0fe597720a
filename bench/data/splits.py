"""Splits of a data set: the validation images, shares of the training images, and their stratified order."""

from __future__ import annotations

import numpy as np

VALIDATION = 10  # one training image in ten is for validation


def one_in(n: int, labels: np.ndarray) -> np.ndarray:
    """Draw one in n of each class, at least one, always the same.

    Returns:
        A mask, (N,) bool, for labels (N,).
    """
    _, rank = _rank_in_class(labels, seed=1)
    return rank < np.maximum(1, np.bincount(labels) // n)[labels]


def held_out(labels: np.ndarray) -> np.ndarray:
    """Return the mask, (N,) bool, of the training images that are for validation: one in ten of each class."""
    return one_in(VALIDATION, labels)


def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Return the indices of a sample as even over the classes as possible.

    It is the same in every call, and nested: a larger sample contains the smaller one.
    """
    shuffled, rank = _rank_in_class(labels, seed=0)
    return shuffled[np.argsort(rank[shuffled], kind="stable")][:count]


def _rank_in_class(labels: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a shuffled order of the images, (N,), and the rank of each image in its class in that order, (N,)."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = np.arange(len(members))
    return shuffled, rank


def in_order(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return the indices of the images in a mask, (N,) bool, in stratified order."""
    masked = np.flatnonzero(mask)
    return masked[stratified(labels[masked], len(masked))]


def share_count(share: float, train: int) -> int:
    """Return the number of images in a share of the `train` training images."""
    return max(1, round(share * train))
