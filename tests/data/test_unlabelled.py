"""Images without labels, measured without labels or on a labelled set elsewhere."""

from pathlib import Path

import pytest
import torch

from csl.data import Folder, ImageDataModule, ImageTensor
from csl.data.source import arrange
from csl.encoders import ConvNet
from csl.methods import Supervised
from tests.data.layouts import of_classes, put, sizes
from tests.data.toy import Looker, trainer


def images(labels: list[int]) -> ImageTensor:
    return ImageTensor(torch.zeros(len(labels), 1, 2, 2, dtype=torch.uint8), torch.tensor(labels))


@pytest.mark.parametrize("layout", [("2023/may", "2023/june", "2024/may", "2024/june"), ("a", "b"), ("a", "a/b", "")])
def test_nested_folders_without_meaning(tmp_path: Path, layout: tuple[str, ...]) -> None:
    put(tmp_path, *of_classes(*layout, count=5))
    source = Folder(tmp_path, class_level=0)
    assert source.num_classes == 0
    count = 5 * len(layout)
    assert sizes(source.load()) == {"train": count - round(count / 5), "val": round(count / 5)}


def test_sets_without_classes_keep_their_parts(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train", "test", count=6))
    source = Folder(tmp_path)
    splits = source.load()
    assert sizes(splits) == {"train": 6, "val": 6}
    assert "(held out: the test set)" in str(source.record(splits))


def test_a_fit_and_a_validation_see_labels_of_minus_one(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("", count=20))
    looker = Looker()
    trainer(max_epochs=1).fit(looker, datamodule=ImageDataModule(Folder(tmp_path), batch_size=8))
    assert {int(label) for batches in looker.evaluated.values() for b in batches for label in b.labels} == {-1}


def test_supervised_refuses_them(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("", count=20))
    data = ImageDataModule(Folder(tmp_path), batch_size=8)
    with pytest.raises(ValueError, match="num_classes: expected at least 2, got 0"):
        Supervised(ConvNet(width=2), num_classes=data.num_classes)
    with pytest.raises(ValueError, match="num_classes: expected the data's 0, got 3"):
        trainer(max_epochs=1).fit(Supervised(ConvNet(width=2), num_classes=3), datamodule=data)


def test_a_labelled_folder_elsewhere(tmp_path: Path) -> None:
    pool = put(tmp_path / "pool", *of_classes("2023", "2024", count=10))
    labelled = put(tmp_path / "labelled", *of_classes("cat", "dog", count=10))
    source = Folder(pool, evaluate_on=labelled)
    splits = source.load()
    assert source.class_names == ("cat", "dog")
    assert sizes(splits) == {"train": 20, "reference": 16, "val": 4}
    assert splits.train.labels.tolist() == [-1] * 20
    assert splits.reference.labels.bincount().tolist() == [8, 8]
    lines = source.record(splits).lines()
    assert lines[0] == f"Folder {pool}: 40 images, 2 classes: cat, dog (8 images each in reference)"
    assert lines[1].endswith(f"(held out: a share of 0.2 of every class, drawn with seed 0, in Folder {labelled})")
    ImageDataModule(source, batch_size=4).setup("fit")


def test_a_labelled_folder_elsewhere_with_sets_of_its_own(tmp_path: Path) -> None:
    pool = put(tmp_path / "pool", *of_classes("train/x", "val/x", count=10))
    sets = (f"{part}/{name}" for part in ("train", "val", "test") for name in ("cat", "dog"))
    labelled = put(tmp_path / "labelled", *of_classes(*sets))
    splits = Folder(pool, evaluate_on=labelled, train_samples=5).load()
    assert sizes(splits) == {"train": 5, "reference": 8, "val": 8, "test": 8}


def test_images_that_are_measured_are_not_trained_on(tmp_path: Path) -> None:
    pool = put(tmp_path, *of_classes("labelled/cat", "labelled/dog", "more", count=10))
    (pool / "more" / "link.png").symlink_to(pool / "labelled" / "cat" / "0.png")
    source = Folder(pool, evaluate_on=pool / "labelled")
    splits = source.load()
    assert sizes(splits) == {"train": 10, "reference": 16, "val": 4}
    text = str(source.record(splits))
    assert "images that are in the evaluation set, too: 20 (labelled/cat/0.png, " in text
    with pytest.raises(ValueError, match=r"root: every image in '.*labelled' is in evaluate_on, too"):
        Folder(pool / "labelled", evaluate_on=pool / "labelled").load()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone", "^evaluate_on: expected a folder of images, got '.*gone', which is not a folder"),
        ("flat", r"^evaluate_on: the images in '.*flat' have no labels; expected folders of classes"),
    ],
)
def test_an_evaluation_folder_that_cannot_serve(tmp_path: Path, name: str, message: str) -> None:
    put(tmp_path, *of_classes("flat", "pool"))
    with pytest.raises(ValueError, match=message):
        Folder(tmp_path / "pool", evaluate_on=tmp_path / name)


def test_the_level_of_classes_is_that_of_the_evaluation_folder(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("pool/a/b", "pool/a/c", "eval/x/cat", "eval/x/dog", "eval/y/cat", "eval/y/dog", count=10))
    source = Folder(tmp_path / "pool", class_level=2, evaluate_on=tmp_path / "eval")
    assert source.class_names == ("x/cat", "x/dog", "y/cat", "y/dog")
    assert len(source.load().train) == 20


def test_a_held_out_set_without_labels_beside_labelled_training_images() -> None:
    splits = arrange(
        "x", images([0, 1] * 10), images([-1] * 4), images([-1] * 3), holdout=0.2, train_samples=None, seed=0
    )
    assert sizes(splits) == {"train": 16, "val": 4, "test": 3}
    assert splits.val.labels.min() == 0
    assert splits.notes == (
        "val: no image has a label; it is not used, as the others have labels",
        "test: no image has a label; it serves predict alone",
    )


@pytest.mark.parametrize(
    ("val", "test", "expected"),
    [
        ([-1] * 4, None, {"train": 20, "val": 4}),
        (None, [-1] * 3, {"train": 20, "val": 3}),
        ([-1] * 4, [-1] * 3, {"train": 20, "val": 4, "test": 3}),
        (None, None, {"train": 16, "val": 4}),
        ([-1] * 4, [0, 1] * 10, {"train": 20, "reference": 16, "val": 4}),
        ([0, 1] * 10, [-1] * 3, {"train": 20, "reference": 16, "val": 4, "test": 3}),
    ],
)
def test_parts_beside_unlabelled_training_images(
    val: list[int] | None, test: list[int] | None, expected: dict[str, int]
) -> None:
    given = (None if labels is None else images(labels) for labels in (val, test))
    splits = arrange("x", images([-1] * 20), *given, holdout=0.2, train_samples=None, seed=0)
    assert sizes(splits) == expected
    assert bool((splits.val.labels >= 0).all()) == bool((splits.reference.labels >= 0).all())
