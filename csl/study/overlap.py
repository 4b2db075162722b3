"""How often augmentations of two images coincide."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from csl.metrics.analysis import Watcher
from csl.randomness import seeded
from csl.study.image_pairs import Pairs

_BATCH = 1024  # pairs of views drawn at a time
_KEPT = 31 * 2**20  # bytes
_LEVELS = 255


class Augment(Protocol):
    """What draws one view of each image: uint8 `[B, C, H, W]` in, float in [0, 1] out."""

    def __call__(self, images: Tensor) -> Tensor:
        """Draw the views."""


class Share(NamedTuple):
    """How often something happened in independent draws, and between which shares the truth lies.

    Attributes:
        hits: How often.
        draws: In how many draws.
        low: Lower end of the Clopper–Pearson interval.
        high: Upper end.
    """

    hits: int
    draws: int
    low: float
    high: float

    @classmethod
    def of(cls, hits: int, draws: int, confidence: float = 0.95) -> "Share":
        """The share with its exact interval (Clopper and Pearson, 1934).

        It covers the truth at least as often as `confidence` says, also where nothing ever happened.

        Raises:
            ValueError: If there are no draws, more hits than draws, or the confidence is not between 0 and 1.

        Example:
            >>> found = Share.of(0, 1_000_000)
            >>> found.low, round(found.high * 1e6, 2)  # the rule of three, for 97.5 %
            (0.0, 3.69)
        """
        if not 0 <= hits <= draws or not draws or not 0 < confidence < 1:
            raise ValueError(
                f"hits: expected 0 to as many as draws, and a confidence of 0 to 1, got {hits} of {draws}, {confidence}"
            )
        from scipy.special import betaincinv

        tail = (1 - confidence) / 2
        low = float(betaincinv(hits, draws - hits + 1, tail)) if hits else 0.0
        high = float(betaincinv(hits + 1, draws - hits, 1 - tail)) if hits < draws else 1.0
        return cls(hits, draws, low, high)


class Overlap(NamedTuple):
    """How far apart augmentations of two images are.

    Attributes:
        exact: How often two views were the same in every pixel, at 8 bits.
        within: How often they were at most so far apart, by distance.
        nearest: The least distance that was drawn.
        median: The middle of all distances.
    """

    exact: Share
    within: dict[float, Share]
    nearest: float
    median: float


def overlap(
    images: Tensor,
    pairs: Pairs,
    augment: tuple[Augment, Augment],
    draws: int,
    distances: Sequence[float],
    *,
    seed: int = 0,
    confidence: float = 0.95,
    watch: Watcher | None = None,
) -> Overlap:
    """Draw a view of each image of a pair, again and again, and compare the two.

    Every draw takes two new views, so that draws do not depend on each other; the pairs take turns. (The order of the
    colour operations alone is drawn for a whole batch, as in training, and not anew for each pair.) The distance of two
    views is the root of the mean squared difference of their pixels, in shares of the range of a pixel.

    Args:
        images: uint8 `[N, C, H, W]`.
        pairs: Positions of two images `[P, 2]`.
        augment: What draws the view of the first image, and of the second.
        draws: How many pairs of views.
        distances: How far apart views may be to count as near, between 0 and 1.
        seed: Of the views.
        confidence: Of the intervals.
        watch: Called with "draws" and the share of them that is done.

    Raises:
        ValueError: If there is no pair, or the two views differ in size.
    """
    if not len(pairs):
        raise ValueError("pairs: expected at least one pair of images, got none")
    # Once a block of such a size was freed, glibc keeps smaller ones for the next batch, and need not ask the system to
    # map them anew each time.
    torch.empty(_KEPT, dtype=torch.uint8)
    apart, exact = torch.empty(draws), 0
    for start in range(0, draws, _BATCH):
        turn = pairs[torch.arange(start, min(draws, start + _BATCH)) % len(pairs)]
        with seeded(seed, "overlap", start):
            first, second = (draw(images[turn[:, side]]) for side, draw in enumerate(augment))
        if first.shape != second.shape:
            raise ValueError(f"augment: expected views of one size, got {[*first.shape[2:]]} and {[*second.shape[2:]]}")
        far = torch.linalg.vector_norm((first - second).flatten(1), dim=1) / first[0].numel() ** 0.5
        near = far < 1 / _LEVELS  # no others can be the same at 8 bits
        exact += int((_in_8_bits(first[near]) == _in_8_bits(second[near])).flatten(1).all(dim=1).sum())
        apart[start : start + len(turn)] = far
        if watch is not None:
            watch("draws", min(1.0, (start + _BATCH) / draws))
    within = {limit: Share.of(int((apart <= limit).sum()), draws, confidence) for limit in distances}
    return Overlap(Share.of(exact, draws, confidence), within, float(apart.min()), float(apart.median()))


def _in_8_bits(views: Tensor) -> Tensor:
    return (views * _LEVELS).round().to(torch.uint8)
