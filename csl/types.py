"""The records that travel between data, methods and measurements.

The fields `count` and `index` hide methods of `tuple` that nobody needs on these.
"""

from typing import NamedTuple

from torch import Tensor


class View(NamedTuple):
    """A group of random views that a method wants of each image.

    Attributes:
        count: How many views the group has.
        scale: Height and width of the views, as a share of the data's image size.
        crop_area: Smallest and largest share of the image's area that a crop keeps; the recipe's own if None.

    Example:
        >>> (View(2), View(6, scale=0.5, crop_area=(0.05, 0.3)))[1].scale  # two full views and six small ones
        0.5
    """

    count: int = 1  # type: ignore[assignment]
    scale: float = 1.0
    crop_area: tuple[float, float] | None = None


class RawBatch(NamedTuple):
    """What a loader gives: images as they are stored, before they become views on the device.

    Attributes:
        images: uint8 `[B, C, H, W]`.
        labels: Class indices `[B]`, int64; -1 where an image has no label.
        index: Position of each image in its data set `[B]`, int64.
        sizes: Height and width of each image `[B, 2]`, on the CPU, where they differ: an image then fills the upper
            left of its place, and the rest is black. None where every image fills its place.
    """

    images: Tensor
    labels: Tensor
    index: Tensor  # type: ignore[assignment]
    sizes: Tensor | None = None


class Batch(NamedTuple):
    """What a method sees in one step.

    Attributes:
        views: One float tensor `[B, C, H, W]` in [0, 1] per view, group by group; groups may differ in height and
            width. A single clean view in evaluation.
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
        train: The reference set: the training images where they are labelled, else the source's labelled set. None
            where loaders of one's own give the held-out set alone.
        val: The held-out set.
    """

    train: Features | None
    val: Features
