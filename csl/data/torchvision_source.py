"""What the sources that torchvision reads have in common."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from csl.data.images import ImageTensor
from csl.data.source import ImageSource, ImageSplits, check_holdout, limited


class TorchvisionSource(ImageSource):
    """A data set in torchvision's own format, held in memory.

    Args:
        root: The folder that torchvision's class takes as its `root`.
        download: Fetch the set, once a machine, if it is not there.
        train_samples: Train on a stratified choice of this many images; all of them if not given.
        seed: Seeds that choice.

    Raises:
        ValueError: If the set is not there and `download` is off.

    Attributes:
        dataset: Name of the class in `torchvision.datasets`.
        folder: The folder below `root` where that class looks.
    """

    dataset: ClassVar[str]
    folder: ClassVar[str]
    classes: ClassVar[tuple[str, ...]]
    shape: ClassVar[tuple[int, int]]  # channels, height and width

    def __init__(
        self, root: str = ".data", download: bool = False, train_samples: int | None = None, seed: int = 0
    ) -> None:
        check_holdout(0.5, train_samples)
        super().__init__(self.classes, *self.shape)
        self.root = os.path.expanduser(root)
        self.download, self.train_samples, self.seed = download, train_samples, seed
        if not download and not (Path(self.root) / self.folder).is_dir():
            raise ValueError(self._missing())

    def prepare(self) -> None:
        """Download the set if that was asked for."""
        if self.download:
            self._open(download=True, **self._part(train=True))
            self._open(download=True, **self._part(train=False))

    def load(self) -> ImageSplits:
        """The sets, in memory; torchvision's test set is the held-out one."""
        train, val = self._read(**self._part(train=True)), self._read(**self._part(train=False))
        return self._arranged(train, None, val)

    def _arranged(self, train: ImageTensor, reference: ImageTensor | None, val: ImageTensor) -> ImageSplits:
        train, notes = limited(self.dataset, train, self.train_samples, self.seed)
        reference = train if reference is None else reference
        return ImageSplits(train, reference, val, held_out="the data set's own test set", notes=notes)

    def _origin(self) -> str:
        return f"{type(self).__name__} {self.root}"

    def _part(self, train: bool) -> dict[str, Any]:
        return {"train": train}

    def _read(self, **part: Any) -> ImageTensor:
        dataset = self._open(**part)
        return ImageTensor(_channels_first(torch.as_tensor(dataset.data), self.num_channels), self._labels(dataset))

    def _labels(self, dataset: Any) -> Tensor:
        labels: Sequence[int] | Tensor = dataset.targets
        return torch.as_tensor(labels, dtype=torch.int64)

    def _open(self, **arguments: Any) -> Any:
        from torchvision import datasets

        try:
            return getattr(datasets, self.dataset)(root=self.root, **arguments)
        except RuntimeError as error:
            raise ValueError(f"{self._missing()} ({error})") from error

    def _missing(self) -> str:
        return (
            f"root: {self.dataset} is not, or not whole, in {str(Path(self.root) / self.folder)!r}; "
            "to fetch it, pass --data.source.download true"
        )


def _channels_first(images: Tensor, num_channels: int) -> Tensor:
    """Bring `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` to the last form."""
    if images.ndim == 3:
        return images.unsqueeze(1)
    return images if images.shape[1] == num_channels else images.permute(0, 3, 1, 2).contiguous()
