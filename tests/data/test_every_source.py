"""Every source that the package exports keeps what is promised of sources; a new one needs a line in `MADE`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision import datasets

import csl.data
from csl.data import (
    CIFAR10,
    CIFAR100,
    MNIST,
    STL10,
    AnyDataset,
    Digits,
    FashionMNIST,
    Folder,
    ImageDataModule,
    ImageSource,
    Parquet,
)
from tests.commands.images import write_folder
from tests.data.test_parquet import write as write_parquet
from tests.data.test_torchvision_sources import write_cifar, write_mnist, write_stl10

SOURCES = {
    name: kind
    for name, kind in vars(csl.data).items()
    if isinstance(kind, type) and issubclass(kind, ImageSource) and kind is not ImageSource
}


def _folder(root: Path, _: Any) -> ImageSource:
    write_folder(root, classes=2, train=6, val=3)
    return Folder(root)


def _parquet(root: Path, _: Any) -> ImageSource:
    write_parquet(root / "train.parquet", [0, 1] * 6, names=["cat", "dog"])
    return Parquet(root)


def _cifar10(root: Path, patch: Any) -> ImageSource:
    write_cifar(root / CIFAR10.folder, datasets.CIFAR10, "labels", patch)
    return CIFAR10(str(root))


def _cifar100(root: Path, patch: Any) -> ImageSource:
    write_cifar(root / CIFAR100.folder, datasets.CIFAR100, "fine_labels", patch)
    return CIFAR100(str(root))


def _stl10(root: Path, patch: Any) -> ImageSource:
    write_stl10(root / STL10.folder, patch)
    return STL10(str(root))


def _mnist(kind: type[MNIST] | type[FashionMNIST]) -> Callable[[Path, Any], ImageSource]:
    def made(root: Path, _: Any) -> ImageSource:
        write_mnist(root / kind.folder)
        return kind(str(root))

    return made


# What a source needs on the disk, small.
MADE: dict[type[ImageSource], Callable[[Path, Any], ImageSource]] = {
    Digits: lambda root, _: Digits(),
    Folder: _folder,
    Parquet: _parquet,
    CIFAR10: _cifar10,
    CIFAR100: _cifar100,
    STL10: _stl10,
    AnyDataset: lambda root, _: AnyDataset(datasets.FakeData(12, (3, 9, 8), num_classes=2)),
    MNIST: _mnist(MNIST),
    FashionMNIST: _mnist(FashionMNIST),
}


@pytest.mark.parametrize("name", SOURCES)
def test_it_gives_sets_that_a_data_module_loads(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = MADE[SOURCES[name]](tmp_path, monkeypatch)
    splits = source.load()
    again = source.load()
    for part, images in splits.sets().items():
        assert torch.equal(images.labels, again.sets()[part].labels), "the division does not depend on the call"
        assert int(images.labels.max()) < source.num_classes
        drawn = images.__getitems__([len(images) - 1, 0]).images
        assert drawn.dtype == torch.uint8
        assert drawn.shape[:2] == (2, source.num_channels)
    assert len(source.mean) == len(source.std) == source.num_channels
    record = source.record(splits)
    assert sum(record.sets.values()) == sum(len(images) for images in (splits.train, splits.val))
    assert record.lines()[0].startswith(name)
    data = ImageDataModule(source, batch_size=2, num_workers=0)
    data.setup()
    raw = next(iter(data.train_dataloader()))
    views = data.augment(raw.images)
    assert [view.shape for view in views] == [(2, source.num_channels, data.image_size, data.image_size)] * 2
    assert all(0 <= float(view.min()) <= float(view.max()) <= 1 for view in views)
