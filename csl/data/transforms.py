"""Views drawn by somebody else's transforms, such as torchvision's: image by image, where images are loaded."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from csl.data.augmentation import to_unit
from csl.data.decode import as_tensor
from csl.data.images import ImageSet
from csl.randomness import seeded
from csl.types import Batch

Transform: TypeAlias = Callable[[Any], Any]


class TransformedImages(Dataset[Batch]):
    """A set whose items are batches of views, one for each transform.

    Random numbers are drawn from the seed, the epoch and the image, whichever process makes the view; a position in
    epoch `e` is called `e · N + position`, which is how workers learn of the epoch.

    Args:
        images: The set.
        transforms: One for each view; called with a PIL image, uncut and of its own size.
        seed: Of the random numbers that they draw from torch, NumPy and `random`.

    Raises:
        ValueError: When an item is asked for, if a transform gives anything but an image in [0, 1], or images of
            different sizes.

    Example:
        >>> from csl.data import Digits
        >>> turned = TransformedImages(Digits().load().val, [lambda image: image.rotate(90)] * 2, seed=0)
        >>> [view.shape for view in turned.__getitems__([3, 1]).views]
        [torch.Size([2, 1, 8, 8]), torch.Size([2, 1, 8, 8])]
    """

    def __init__(self, images: ImageSet, transforms: Sequence[Transform], seed: int) -> None:
        self.images, self.transforms, self.seed = images, tuple(transforms), seed

    def __len__(self) -> int:
        return len(self.images)

    def __getitems__(self, keys: Sequence[int]) -> Batch:
        drawn = [self._views(*divmod(key, len(self))) for key in keys]
        index = torch.tensor([key % len(self) for key in keys])
        views = tuple(_stacked(views) for views in zip(*drawn, strict=True))
        return Batch(views, self.images.labels[index], index)

    def _views(self, epoch: int, position: int) -> list[Tensor]:
        image = self.images.pil(position)
        with seeded(self.seed, "transforms", epoch, position):
            return [as_view(transform(image.copy())) for transform in self.transforms]


def as_view(made: Any) -> Tensor:
    """What a transform gave as a float image `[C, H, W]` in [0, 1].

    Raises:
        ValueError: If it is something else.

    Example:
        >>> as_view(Image.new("L", (4, 3), 255)).amax()
        tensor(1.)
    """
    view = as_tensor(made) if isinstance(made, Image.Image) else made
    if not isinstance(view, Tensor) or view.ndim != 3:
        got = f"a tensor of shape {list(view.shape)}" if isinstance(view, Tensor) else type(view).__name__
        raise ValueError(f"augmentation: expected transforms that give a PIL image or a tensor [C, H, W], got {got}")
    view = to_unit(view.as_subclass(Tensor))
    low, high = view.aminmax()
    if not 0 <= float(low) <= float(high) <= 1:
        raise ValueError(
            f"augmentation: expected transforms that give values in [0, 1], got {float(low):.3g} to {float(high):.3g}; "
            "leave out Normalize: encoders normalise by the statistics of the source"
        )
    return view


def _stacked(views: Sequence[Tensor]) -> Tensor:
    shapes = sorted({tuple(view.shape) for view in views})
    if len(shapes) > 1:
        raise ValueError(
            f"augmentation: expected transforms that give every image one size, got {shapes[0]} and {shapes[1]}; "
            "end with a crop or a resize to one height and width"
        )
    return torch.stack(list(views))
