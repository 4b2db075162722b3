"""A source of small images, a method that only looks, and trainers that are quick to make."""

import io
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from PIL import Image
from torch import Tensor, nn

from csl.data import ImageDataModule, ImageSource, ImageSplits, ImageTensor
from csl.data.images import EncodedImages
from csl.types import Batch, View
from tests.trainers import QUIET


class EncodedBytes:
    """Images that are PNG files in memory."""

    def __init__(self, files: list[bytes]) -> None:
        self.files = files

    def read(self, row: int) -> tuple[bytes, str]:
        return self.files[row], f"image {row}"

    def key(self, row: int) -> str:
        return f"image {row}"

    num_bytes = 0

    def hold(self) -> None:
        pass

    def groups(self, rows: Tensor) -> None:
        pass


def png(pixels: np.ndarray, mode: str | None = None) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    (image if mode is None else image.convert(mode)).save(buffer, "PNG")
    return buffer.getvalue()


class ToySource(ImageSource):
    """`num_train` random images of 8×8 pixels in two classes, in memory or as PNG files."""

    def __init__(self, num_train: int = 30, num_val: int = 11, encoded: bool = False, test: bool = False) -> None:
        super().__init__(["even", "odd"], num_channels=3, native_size=8)
        self.num_train, self.num_val, self.encoded, self.test = num_train, num_val, encoded, test

    def load(self) -> ImageSplits:
        train, val = self._make(self.num_train, 0), self._make(self.num_val, 1)
        return ImageSplits(train, train, val, self._make(7, 2) if self.test else None)

    def _make(self, count: int, seed: int) -> ImageTensor | EncodedImages:
        generator = torch.Generator().manual_seed(seed)
        images = torch.randint(256, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
        labels = torch.arange(count) % 2
        if not self.encoded:
            return ImageTensor(images, labels)
        files = [png(image.permute(1, 2, 0).numpy()) for image in images]
        return EncodedImages(EncodedBytes(files), torch.arange(count), labels, 3)


class Looker(LightningModule):
    """Notes every training batch it steps on: its epoch, its indices, and a checksum of its views."""

    def __init__(self, views: tuple[View, ...] = (View(2),)) -> None:
        super().__init__()
        self.views = views
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, list[int], float]] = []
        self.evaluated: dict[int, list[Batch]] = {}

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        checksum = float(sum(view.double().mul(i + 1).sum() for i, view in enumerate(batch.views)))
        self.seen.append((self.current_epoch, batch.index.tolist(), checksum))
        return self.weight.sum() * 0 + self.weight.square().sum()

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        self.evaluated.setdefault(dataloader_idx, []).append(batch)

    test_step = validation_step
    predict_step = validation_step

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def trainer(*callbacks: Callback, **options: Any) -> Trainer:
    return Trainer(callbacks=list(callbacks), **(QUIET | {"max_epochs": 3} | options))


def module(**options: Any) -> ImageDataModule:
    source = {name: options.pop(name) for name in ("num_train", "num_val", "encoded", "test") if name in options}
    defaults: dict[str, Any] = {"batch_size": 8}
    return ImageDataModule(ToySource(**source), **(defaults | options))
