"""STL-10, a set made for learning without labels."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from csl.data.source import ImageSplits
from csl.data.torchvision_source import TorchvisionSource


class STL10(TorchvisionSource):
    """Colour images of 96×96 pixels in 10 classes (Coates et al., 2011): 100,000 unlabelled, 5,000 train, 8,000 val.

    Args:
        root: The folder that torchvision's class takes as its `root`.
        download: Fetch the set, once a machine, if it is not there.
        unlabeled: Train on the 100,000 images without labels; the labelled training images are then the reference.
        train_samples: Train on a choice of this many images; all of them if not given.
        seed: Seeds that choice.

    Raises:
        ValueError: If the set is not there and `download` is off.

    Example:
        >>> STL10(download=True, unlabeled=True).native_size
        96
    """

    mean: tuple[float, ...] = (0.4467, 0.4398, 0.4066)
    std: tuple[float, ...] = (0.2603, 0.2566, 0.2713)
    dataset: ClassVar[str] = "STL10"
    folder: ClassVar[str] = "stl10_binary"
    classes: ClassVar[tuple[str, ...]] = (
        "airplane",
        "bird",
        "car",
        "cat",
        "deer",
        "dog",
        "horse",
        "monkey",
        "ship",
        "truck",
    )
    shape: ClassVar[tuple[int, int]] = (3, 96)

    def __init__(
        self,
        root: str = ".data",
        download: bool = False,
        unlabeled: bool = False,
        train_samples: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(root, download, train_samples, seed)
        self.unlabeled = unlabeled

    def load(self) -> ImageSplits:
        """The sets, in memory; torchvision's test set is the held-out one."""
        if not self.unlabeled:
            return super().load()
        parts = (self._read(split=part) for part in ("unlabeled", "train", "test"))
        return self._arranged(*parts)

    def _part(self, train: bool) -> dict[str, Any]:
        return {"split": "train" if train else "test"}

    def _labels(self, dataset: Any) -> Tensor:
        return torch.as_tensor(dataset.labels).long()
