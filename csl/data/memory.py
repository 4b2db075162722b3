"""Whether images are decoded once, into memory, or again and again by workers, and where from."""

from lightning.pytorch.utilities import rank_zero_info
from torch import Tensor

from csl.data.decoded import decoded
from csl.data.images import EncodedImages, ImageSet
from csl.data.source import ImageSplits
from csl.types import Preparation

_GB = 1e9
_PARTS = ("train", "val", "test", "reference")
_MARGIN = 8 / 7  # of a square over the plain view in it: 256 to 224
_DETAIL = 2  # of a decoded image over the view: crops of a quarter of its area lose nothing


def stored_size(native_size: int, image_size: int) -> int:
    """The square that a plain view is cut from, in pixels: a margin above the view, but no larger than the images are.

    Example:
        >>> stored_size(32, 32), stored_size(500, 224)
        (32, 256)
    """
    return min(native_size, round(image_size * _MARGIN))


def decoded_size(image_size: int) -> int:
    """The largest shorter side of a decoded image, in pixels: twice the view's.

    It depends on no budget, so that what is measured does not.
    """
    return _DETAIL * image_size


class ImageStore:
    """The sets as loaders use them: in memory if the decoded images of all sets together fit the budget.

    If not, what is read from larger files is held in memory still encoded, if that fits, or read as it is needed.

    Args:
        splits: The sets.
        size: The largest shorter side to decode to, in pixels.
        budget: What images may take, in GB.
        name: What the log calls the source.
        speak: Whether this process writes the log line and the progress bar.
        preparation: How to make squares of `size` of them instead.
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
        sets = [images for images in self._sets.values() if isinstance(images, EncodedImages)]
        needed = sum(images.num_bytes() for images in sets) / _GB
        self._fits = needed <= budget
        sources = {id(images.encoded): images.encoded for images in encoded.values()}
        self._holds = sum(source.num_bytes for source in sources.values()) / _GB <= budget
        self._speak = speak
        if encoded:
            again = "decoded by workers in every epoch" + ("" if self._holds else ", read as they are needed")
            where = "held in memory" if self._fits else again
            amount = f"{needed:.2f} GB" if needed >= 0.01 else f"{1000 * needed:.2g} MB"
            rank_zero_info(
                f"{name}: images are {where}: about {amount} with shorter sides of up to {size} pixels, "
                f"memory_budget {budget:g} GB"
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
