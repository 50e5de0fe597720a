"""Which images are for validation, which make up a share, and in which order they lie."""

from __future__ import annotations

import numpy as np

VALIDATION = 10  # one training image in so many is set aside


def one_in(n: int, labels: np.ndarray) -> np.ndarray:
    """A mask of one in n of each class, drawn with a fixed seed."""
    mask = np.zeros(len(labels), dtype=bool)
    shuffled = np.random.default_rng(1).permutation(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        mask[members[: max(1, len(members) // n)]] = True
    return mask


def held_out(labels: np.ndarray) -> np.ndarray:
    """Which training images are validation: one in ten of each class, always the same."""
    return one_in(VALIDATION, labels)


def stratified(labels: np.ndarray, count: int) -> np.ndarray:
    """Indices of `count` images, as evenly over the classes as can be, always the same and nested: a larger count
    holds the smaller one's."""
    shuffled = np.random.default_rng(0).permutation(len(labels))
    rank = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        rank[members] = np.arange(len(members))
    return shuffled[np.argsort(rank[shuffled], kind="stable")][:count]


def in_order(labels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Indices of the images in the mask, stratified."""
    chosen = np.flatnonzero(mask)
    return chosen[stratified(labels[chosen], len(chosen))]


def trained_on(share: float, train: int) -> int:
    """How many images are a share of those that are left to train on."""
    return max(1, round(share * train))
