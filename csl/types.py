"""The three records that travel between data, methods and measurements.

The field `index` hides `tuple.index`, which nobody needs on these.
"""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """What a method sees in one step.

    Attributes:
        views: One float tensor `[B, C, H, W]` a view; a single clean one in evaluation.
        labels: Class indices `[B]`, int64; -1 where an image has no label.
        index: Position of each image in its data set `[B]`, int64.
    """

    views: tuple[Tensor, ...]
    labels: Tensor
    index: Tensor  # type: ignore[assignment]


class Features(NamedTuple):
    """Encoded images: the rows this process owns, each sample once, never padded.

    Attributes:
        values: Feature vectors `[N, D]`.
        labels: Class indices `[N]`, int64; -1 where a sample has no label.
        index: Position of each sample in its data set `[N]`, int64.
    """

    values: Tensor
    labels: Tensor
    index: Tensor  # type: ignore[assignment]


class Split(NamedTuple):
    """The two evaluation sets of one output of a model.

    Attributes:
        train: The reference set: the training images where they are labelled, else the source's labelled set.
        val: The held-out set.
    """

    train: Features
    val: Features
