"""Whether images are decoded once, into memory, or again and again by workers, and where from."""

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from csl.data.images import EncodedImages, ImageSet
from csl.data.loader import decoded
from csl.data.source import ImageSplits
from csl.types import Preparation

_GB = 1e9
_PARTS = ("train", "val", "test", "reference")
_MARGIN = 8 / 7  # of a decoded image over the view: 256 to 224


def stored_size(native_size: int, image_size: int) -> int:
    """The size to decode to, in pixels: a margin above the view, but no larger than the images are.

    Example:
        >>> stored_size(32, 32), stored_size(500, 224)
        (32, 256)
    """
    return min(native_size, round(image_size * _MARGIN))


class ImageStore:
    """The sets as loaders use them: in memory if the decoded images of all sets together fit the budget.

    If not, what is read from larger files is held in memory still encoded, if that fits, or read as it is needed.

    Args:
        splits: The sets.
        size: The size to decode to, in pixels.
        budget: What images may take, in GB.
        name: What the log calls the source.
        speak: Whether this process writes the log line and the progress bar.
        preparation: How to bring them to that size; the central square, bilinearly, if None.
    """

    def __init__(
        self,
        splits: ImageSplits,
        size: int,
        budget: float,
        name: str,
        speak: bool = True,
        preparation: Preparation | None = None,
    ) -> None:
        self._sets: dict[str, ImageSet | None] = {part: getattr(splits, part) for part in _PARTS}
        if splits.reference is splits.train:
            del self._sets["reference"]
        encoded = {part: images for part, images in self._sets.items() if isinstance(images, EncodedImages)}
        self._sets |= {part: images.resized(size, preparation) for part, images in encoded.items()}
        needed = sum(len(images) * images.num_channels for images in encoded.values()) * size**2 / _GB
        self._fits = needed <= budget
        sources = {id(images.encoded): images.encoded for images in encoded.values()}
        self._holds = sum(source.num_bytes for source in sources.values()) / _GB <= budget
        self._speak = speak
        if encoded:
            again = "decoded by workers in every epoch" + ("" if self._holds else ", read as they are needed")
            where = "held in memory" if self._fits else again
            rank_zero_info(
                f"{name}: images are {where}: {needed:.2f} GB at {size} x {size} pixels, memory_budget {budget:g} GB"
            )

    def __getitem__(self, name: str) -> ImageSet | None:
        """One of the sets "train", "reference", "val" and "test", decoded now if it is to be and is not yet."""
        name = name if name in self._sets else "train"
        images = self._sets[name]
        if isinstance(images, EncodedImages):
            if self._fits:
                self._sets[name] = decoded(images, self._speak)
            elif self._holds:
                images.encoded.hold()
        return self._sets[name]

    def groups(self, name: str) -> Tensor | None:
        """Which images of a set should be asked for together; None where any order is as good."""
        images = self._sets[name]
        return images.groups() if isinstance(images, EncodedImages) and not self._fits and not self._holds else None
