"""Tiny files in torchvision's own formats; nothing is downloaded."""

import gzip
import hashlib
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from csl.data import CIFAR10, CIFAR100, MNIST, STL10, FashionMNIST
from csl.data.torchvision_source import TorchvisionSource


def pixels(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def write_idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">HBB" + "I" * values.ndim, 0, 8, values.ndim, *values.shape)
    path.write_bytes(header + values.tobytes())
    Path(f"{path}.gz").write_bytes(gzip.compress(header + values.tobytes()))


def write_mnist(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    images, labels = pixels(30, 28, 28), (np.arange(30) % 10).astype(np.uint8)
    for part, rows in {"train": slice(0, 20), "t10k": slice(20, 30)}.items():
        write_idx(folder / f"{part}-images-idx3-ubyte", images[rows])
        write_idx(folder / f"{part}-labels-idx1-ubyte", labels[rows])
    return images, labels


@pytest.mark.parametrize("source", [MNIST, FashionMNIST])
def test_mnist_format(source: type[MNIST] | type[FashionMNIST], tmp_path: Path) -> None:
    images, labels = write_mnist(tmp_path / source.folder)
    splits = source(str(tmp_path)).load()
    batch = splits.val.__getitems__([3, 1])
    assert (batch.images[:, 0].numpy() == images[[23, 21]]).all()
    assert batch.labels.tolist() == labels[[23, 21]].tolist()
    assert splits.reference is splits.train
    assert splits.test is None
    assert len(splits.train) == 20


def write_cifar(folder: Path, kind: type[Any], key: str, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Write each of torchvision's files with 10 images, and tell it their checksums."""
    folder.mkdir(parents=True)
    images = pixels(10, 3072)
    for attribute in ("train_list", "test_list"):
        entries = []
        for name, _ in getattr(kind, attribute):
            (folder / name).write_bytes(pickle.dumps({"data": images, key: [i % 10 for i in range(10)]}))
            entries.append([name, hashlib.md5((folder / name).read_bytes()).hexdigest()])
        monkeypatch.setattr(kind, attribute, entries)
    names = CIFAR10.classes if kind is datasets.CIFAR10 else CIFAR100.classes
    (folder / kind.meta["filename"]).write_bytes(pickle.dumps({kind.meta["key"]: list(names)}))
    checksum = hashlib.md5((folder / kind.meta["filename"]).read_bytes()).hexdigest()
    monkeypatch.setattr(kind, "meta", kind.meta | {"md5": checksum})
    return images


def test_cifar10_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = write_cifar(tmp_path / CIFAR10.folder, datasets.CIFAR10, "labels", monkeypatch)
    splits = CIFAR10(str(tmp_path), train_samples=20).load()
    assert len(splits.train) == 20
    assert splits.train.labels.bincount().tolist() == [2] * 10
    shown = splits.val.__getitems__([4]).images[0]
    assert (shown.numpy() == images[4].reshape(3, 32, 32)).all()


def test_cifar100_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_cifar(tmp_path / CIFAR100.folder, datasets.CIFAR100, "fine_labels", monkeypatch)
    source = CIFAR100(str(tmp_path))
    assert source.num_classes == len(set(source.class_names)) == 100
    assert list(source.class_names) == sorted(source.class_names)
    assert source.load().train.labels.tolist() == list(range(10))


def write_stl10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    folder.mkdir(parents=True)
    images = pixels(8, 3, 96, 96)
    for part, rows in {"train": slice(0, 3), "test": slice(3, 5), "unlabeled": slice(5, 8)}.items():
        (folder / f"{part}_X.bin").write_bytes(images[rows].transpose(0, 1, 3, 2).tobytes())  # column by column
        if part != "unlabeled":
            (folder / f"{part}_y.bin").write_bytes(bytes(range(1, 1 + len(images[rows]))))
    (folder / "class_names.txt").write_text("\n".join(STL10.classes))
    for attribute in ("train_list", "test_list"):
        entries = [
            [n, hashlib.md5((folder / n).read_bytes()).hexdigest()] for n, _ in getattr(datasets.STL10, attribute)
        ]
        monkeypatch.setattr(datasets.STL10, attribute, entries)
    return images


@pytest.mark.parametrize("unlabeled", [False, True])
def test_stl10_format(unlabeled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = write_stl10(tmp_path / STL10.folder, monkeypatch)
    splits = STL10(str(tmp_path), unlabeled=unlabeled).load()
    assert splits.train.labels.tolist() == ([-1, -1, -1] if unlabeled else [0, 1, 2])
    assert splits.reference.labels.tolist() == [0, 1, 2]
    assert splits.val.labels.tolist() == [0, 1]
    first = splits.train.__getitems__([0]).images[0]
    assert (first.numpy() == images[5 if unlabeled else 0]).all()


@pytest.mark.parametrize("source", [CIFAR10, CIFAR100, STL10, FashionMNIST, MNIST])
def test_a_missing_set_says_how_to_fetch_it(source: type[TorchvisionSource], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"{source.__name__} is not.* pass --data\.source\.download true"):
        source(str(tmp_path))


def test_a_damaged_set_says_how_to_fetch_it(tmp_path: Path) -> None:
    (tmp_path / CIFAR10.folder).mkdir()
    with pytest.raises(ValueError, match=r"CIFAR10 is not, or not whole, in .*--data\.source\.download true"):
        CIFAR10(str(tmp_path)).load()


def test_download_is_left_to_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(datasets, "CIFAR10", lambda **arguments: asked.append(arguments))
    CIFAR10(str(tmp_path), download=True).prepare()
    assert asked == [{"root": str(tmp_path), "download": True, "train": train} for train in (True, False)]


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[Path]]:
        return Path.mkdir, (self.target,)


def test_a_changed_batch_of_cifar_is_refused_before_its_pickle_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, target = tmp_path / CIFAR10.folder, tmp_path / "owned"
    write_cifar(folder, datasets.CIFAR10, "labels", monkeypatch)
    (folder / "data_batch_1").write_bytes(pickle.dumps(Malicious(target)))
    with pytest.raises(ValueError, match="CIFAR10 is not, or not whole, in"):
        CIFAR10(str(tmp_path)).load()
    assert not target.exists()


def test_a_file_of_labels_that_does_not_match_is_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path / MNIST.folder)
    write_idx(tmp_path / MNIST.folder / "train-labels-idx1-ubyte", np.zeros(19, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"labels: expected one for each of 20 images, got \[19\]"):
        MNIST(str(tmp_path)).load()
