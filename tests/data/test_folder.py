from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from csl.data import Folder, ImageDataModule, ImageSplits


def fill(folder: Path, count: int, size: int = 12, tint: int = 0, kind: str = "png") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        Image.fromarray(np.full((size, size, 3), tint + i, dtype=np.uint8)).save(folder / f"{i:03}.{kind}")


def classes(root: Path, counts: dict[str, int], **options: Any) -> Path:
    for name, count in counts.items():
        fill(root / name, count, **options)
    return root


def counts(splits: ImageSplits) -> dict[str, int]:
    sets = {"train": splits.train, "reference": splits.reference, "val": splits.val, "test": splits.test}
    return {name: len(images) for name, images in sets.items() if images is not None}


@pytest.mark.parametrize("val", ["val", "valid", "validation", "test"])
def test_train_with_one_evaluation_set(tmp_path: Path, val: str) -> None:
    classes(tmp_path / "train", {"b": 3, "a": 2})
    classes(tmp_path / val, {"a": 1, "b": 1})
    source = Folder(tmp_path)
    splits = source.load()
    assert source.class_names == ("a", "b")
    assert source.native_size == 12
    assert splits.reference is splits.train
    assert splits.train.labels.tolist() == [0, 0, 1, 1, 1]
    assert counts(splits) == {"train": 5, "reference": 5, "val": 2}


def test_three_sets(tmp_path: Path) -> None:
    for name, count in {"train": 4, "val": 2, "test": 3}.items():
        classes(tmp_path / name, {"a": count, "b": count})
    assert counts(Folder(tmp_path).load()) == {"train": 8, "reference": 8, "val": 4, "test": 6}


@pytest.mark.parametrize("below", ["", "train"])
def test_a_share_of_one_set_is_held_out_of_every_class(tmp_path: Path, below: str) -> None:
    classes(tmp_path / below, {"a": 20, "b": 10})
    splits = Folder(tmp_path, holdout=0.3).load()
    assert splits.val.labels.tolist() == [0] * 6 + [1] * 3
    assert len(splits.train) == 21
    again, other = (Folder(tmp_path, holdout=0.3, seed=seed).load().val for seed in (0, 1))
    shown = [images.__getitems__(range(9)).images.tolist() for images in (splits.val, again, other)]
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize("both", [False, True])
def test_unlabelled_training_images(tmp_path: Path, both: bool) -> None:
    fill(tmp_path / "train", 7)
    classes(tmp_path / "val", {"a": 10, "b": 10})
    if both:
        classes(tmp_path / "test", {"a": 3, "b": 2})
    splits = Folder(tmp_path).load()
    assert counts(splits) == {"train": 7, "reference": 16, "val": 4} | ({"test": 5} if both else {})
    assert splits.train.labels.tolist() == [-1] * 7
    lines = Folder(tmp_path).record().lines()
    assert lines[1].startswith("  train 7 without labels, reference 16, val 4" + ", test 5" * both)
    assert (
        "(held out: a share of 0.2 of every class of the val set, drawn with seed 0; the rest of it is the ref"
        in lines[1]
    )


def test_reference_and_held_out_share_no_image(tmp_path: Path) -> None:
    fill(tmp_path / "train", 2)
    classes(tmp_path / "test", {"a": 10})
    classes(tmp_path / "test", {"b": 10}, tint=100)
    splits = Folder(tmp_path).load()
    grays = [
        {int(image[0, 0, 0]) for image in part.__getitems__(range(len(part))).images}
        for part in (splits.reference, splits.val)
    ]
    assert not grays[0] & grays[1]
    assert len(grays[0] | grays[1]) == 20


def test_train_samples_is_a_stratified_choice(tmp_path: Path) -> None:
    classes(tmp_path / "train", {"a": 20, "b": 10})
    classes(tmp_path / "val", {"a": 1, "b": 1})
    splits = Folder(tmp_path, train_samples=6).load()
    assert splits.train.labels.tolist() == [0] * 4 + [1] * 2
    assert splits.reference is splits.train
    assert len(splits.val) == 2


def test_nested_hidden_and_other_files(tmp_path: Path) -> None:
    fill(tmp_path / "a" / "deeper", 3, kind="JPG")
    fill(tmp_path / "b", 3)
    fill(tmp_path / ".cache", 1)
    (tmp_path / "b" / "notes.txt").write_text("no image")
    (tmp_path / "b" / ".hidden.png").write_bytes(b"")
    source = Folder(tmp_path, holdout=0.4)
    assert source.class_names == ("a", "b")
    assert sum(counts(source.load())[name] for name in ("train", "val")) == 6


def test_native_size_is_the_median_shorter_side(tmp_path: Path) -> None:
    fill(tmp_path / "a", 3, size=10)
    fill(tmp_path / "b", 5, size=40)
    assert Folder(tmp_path).native_size == 40


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"root: expected a folder of images, got '.*nowhere', which is not a folder"):
        Folder(tmp_path / "nowhere")


@pytest.mark.parametrize("below", ["", "train"])
def test_empty_folder(tmp_path: Path, below: str) -> None:
    (tmp_path / below).mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=r"root: expected .* found none"):
        Folder(tmp_path)


def test_class_without_images(tmp_path: Path) -> None:
    classes(tmp_path / "train", {"a": 2, "b": 0})
    with pytest.raises(
        ValueError, match=r"root: class folder '.*train/b' has no images, by their names or by their content; remove it"
    ):
        Folder(tmp_path)


def test_different_classes(tmp_path: Path) -> None:
    classes(tmp_path / "train", {"a": 2, "b": 2})
    classes(tmp_path / "val", {"a": 2, "c": 2})
    with pytest.raises(ValueError, match="train and val have different classes: 'b' only in train, 'c' only in val"):
        Folder(tmp_path)


@pytest.mark.parametrize("below", ["", "train", "pictures", "pictures/train"])
def test_nothing_labelled(tmp_path: Path, below: str) -> None:
    fill(tmp_path / below, 10)
    source = Folder(tmp_path)
    splits = source.load()
    assert (source.class_names, source.num_classes) == ((), 0)
    assert splits.reference is splits.train
    assert counts(splits) == {"train": 8, "reference": 8, "val": 2}
    assert splits.train.labels.tolist() + splits.val.labels.tolist() == [-1] * 10
    lines = source.record(splits).lines()
    assert lines[0] == f"Folder {tmp_path}: 10 images, none of them with a label"
    assert lines[1] == "  train 8, val 2 (held out: a share of 0.2 of the images, drawn with seed 0)"
    data = ImageDataModule(source, batch_size=4)
    data.setup("fit")
    assert next(iter(data.train_dataloader())).labels.tolist() == [-1] * 4


def test_two_validation_folders(tmp_path: Path) -> None:
    for name in ("train", "val", "valid"):
        classes(tmp_path / name, {"a": 2})
    with pytest.raises(ValueError, match=r"expected one validation folder in .*, got val and valid"):
        Folder(tmp_path)


def test_a_class_too_small_to_divide(tmp_path: Path) -> None:
    classes(tmp_path, {"a": 5, "b": 1})
    with pytest.raises(ValueError, match=r"Folder .*: holdout=0\.5: cannot choose 3 of 6 rows"):
        Folder(tmp_path, holdout=0.5).load()


@pytest.mark.parametrize("holdout", [0.0, 1.0, -0.2])
def test_impossible_share(tmp_path: Path, holdout: float) -> None:
    with pytest.raises(ValueError, match="holdout: expected a share between 0 and 1"):
        Folder(tmp_path, holdout=holdout)


def test_more_training_images_than_there_are(tmp_path: Path) -> None:
    classes(tmp_path, {"a": 5, "b": 5})
    with pytest.raises(ValueError, match="train_samples=99: cannot choose 99 of 8 rows"):
        Folder(tmp_path, train_samples=99).load()


def test_a_corrupt_image_is_named_before_training(tmp_path: Path) -> None:
    classes(tmp_path, {"a": 40, "b": 40})
    bad = tmp_path / "b" / "017.png"
    bad.write_bytes(bad.read_bytes()[:40])
    data = ImageDataModule(Folder(tmp_path), batch_size=8)
    with pytest.raises(ValueError, match=r"cannot decode image .*b/017\.png: .*; repair or remove it"):
        data.setup("fit")
