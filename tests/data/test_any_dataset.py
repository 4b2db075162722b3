"""Any map-style data set as a source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset

from csl.data import AnyDataset, ImageDataModule
from tests.commands.images import write_folder
from tests.commands.runs import SMALL, csl
from tests.data.test_module import parsed


class Pairs(Dataset[Any]):
    """Images whose pixels are ten times their number; `form` says what an item is."""

    def __init__(self, count: int = 20, form: str = "pil", size: tuple[int, int] = (12, 10)) -> None:
        self.count, self.form, self.size = count, form, size

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, row: int) -> Any:
        level = 10 * row
        tensor = torch.full((3, *self.size), level, dtype=torch.uint8)
        made: dict[str, Callable[[], Any]] = {
            "pil": lambda: (Image.new("RGB", self.size[::-1], (level,) * 3), row % 2),
            "grey": lambda: (Image.new("L", self.size[::-1], level), np.int64(row % 2)),
            "tensor": lambda: (tensor, torch.tensor(row % 2)),
            "flat": lambda: (tensor[0], row % 2),
            "alone": lambda: tensor,
            "unlabelled": lambda: (tensor, None),
            "float": lambda: (tensor / 255, row % 2),
            "word": lambda: (tensor, "cat"),
            "more": lambda: (tensor, row % 2, f"{row}.png"),
        }
        return made[self.form]()


class Targets(Pairs):
    """Labels without a look at the images."""

    classes = ("even", "odd")

    def __init__(self) -> None:
        super().__init__()
        self.targets = [row % 2 for row in range(20)]
        self.asked: list[int] = []

    def __getitem__(self, row: int) -> Any:
        self.asked.append(row)
        return super().__getitem__(row)


@pytest.mark.parametrize(("form", "channels"), [("pil", 3), ("grey", 1), ("tensor", 3), ("flat", 1), ("more", 3)])
def test_images_and_labels_are_those_of_the_data_set(form: str, channels: int) -> None:
    source = AnyDataset(Pairs(form=form))
    assert (source.num_channels, source.native_size, source.class_names) == (channels, 10, ("0", "1"))
    splits = source.load()
    rows = sorted(int(image.float().mean() / 10) for part in splits.sets().values() for image in _all(part))
    assert rows == sorted([*range(20), *[int(image.float().mean() / 10) for image in _all(splits.train)]])
    for part in (splits.train, splits.val):
        assert [int(image.float().mean() / 10) % 2 for image in _all(part)] == part.labels.tolist()


def _all(images: Any) -> torch.Tensor:
    found: torch.Tensor = images.images(torch.arange(len(images)))
    return found


@pytest.mark.parametrize("form", ["alone", "unlabelled"])
def test_images_without_labels_are_trained_on(form: str) -> None:
    splits = AnyDataset(Pairs(form=form)).load()
    assert splits.train.labels.tolist() == [-1] * 16


def test_targets_are_believed_and_classes_named() -> None:
    dataset = Targets()
    source = AnyDataset(dataset, val=Pairs(6), test=Pairs(4))
    splits = source.load()
    assert source.class_names == ("even", "odd")
    assert len(dataset.asked) == 20  # for the size, up to 63 are looked at, and no more
    assert [len(part) for part in splits.sets().values()] == [20, 20, 6, 4]
    assert splits.held_out == "the val set"


def test_the_walk_for_labels_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        AnyDataset(Pairs())
    assert "train: Pairs has no `targets`: all 20 items are read once for their labels" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"train": Pairs(form="float")},
            r"train\[0\]: expected an image, .*got .* float32 \[3, 12, 10\]; leave out",
        ),
        ({"train": Pairs(form="word")}, r"train\[0\]: expected an integer from 0 as label, or None, got 'cat'"),
        ({"train": Pairs(0)}, "train: expected images, found none in Pairs"),
        ({"train": Pairs(), "val": iter([1])}, "val: expected a data set with items and a length, got list_iterator"),
        ({"train": Pairs(), "class_names": ["a"]}, "class_names: expected 2 names, for labels up to 1, got 1"),
        ({"train": Pairs(), "holdout": 0}, "holdout: expected a share between 0 and 1"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnyDataset(**options)


def test_the_window_is_given_or_imagenets() -> None:
    assert AnyDataset(Pairs()).mean == (0.485, 0.456, 0.406)
    assert AnyDataset(Pairs(form="grey")).mean == pytest.approx((0.449,))
    assert ImageDataModule(AnyDataset(Pairs(), mean=[0.1, 0.2, 0.3])).window[0] == (0.1, 0.2, 0.3)


@pytest.mark.parametrize("budget", [4.0, 0.0])
def test_batches_are_the_same_from_memory_and_from_workers(budget: float) -> None:
    data = ImageDataModule(AnyDataset(Pairs()), batch_size=4, memory_budget=budget, num_workers=1)
    data.setup("fit")
    loader = data.train_dataloader()
    assert loader.num_workers == (budget == 0)
    for batch in loader:
        levels = data.plain(batch.images, batch.sizes).mean(dim=(1, 2, 3)) * 255
        assert (levels.round().int() // 10 % 2).tolist() == batch.labels.tolist()


def test_torchvisions_data_sets_by_their_classes(tmp_path: Path) -> None:
    write_folder(tmp_path, classes=2, train=6, val=3)
    name = "torchvision.datasets.ImageFolder"
    line = ["--data.source=AnyDataset", f"--data.source.train={name}", f"--data.source.train.root={tmp_path}/train"]
    line += [f"--data.source.val={name}", f"--data.source.val.root={tmp_path}/val"]
    source = parsed(*line).source
    assert isinstance(source, AnyDataset)
    record = source.record()
    assert record.sets == {"train": 12, "val": 6}
    assert record.lines()[0].startswith(f"AnyDataset {name.replace('ImageFolder', 'folder.ImageFolder')}: 18 images")
    fit = [
        *line,
        *SMALL,
        "--trainer.max_epochs",
        "1",
        "--data.batch_size",
        "4",
        "--trainer.callbacks",
        "OrganizationMetrics",
    ]
    assert "rld_0.1" in csl(tmp_path, "fit", *fit)
