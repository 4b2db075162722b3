import json
from pathlib import Path

import pytest

from csl.data import Digits, Folder, ImageSource, ImageSplits, Parquet
from csl.data.record import DataRecord
from tests.data.layouts import of_classes, put
from tests.data.test_parquet import write as write_parquet
from tests.data.toy import ToySource


def animals(root: Path) -> Folder:
    put(root, *of_classes("train/cat", count=6), *of_classes("train/dog", count=3), *of_classes("val/cat", "val/dog"))
    return Folder(root)


def test_the_lines_say_what_was_read(tmp_path: Path) -> None:
    record = animals(tmp_path).record()
    assert record.lines() == [
        f"Folder {tmp_path}: 17 images, 2 classes: cat, dog (in train smallest: dog, 3 images; largest: cat, 6)",
        "  train 9, val 8 (held out: the val set)",
        f"  sha256 of the list of images and labels: {record.fingerprint[:16]}",
    ]
    assert str(record) == "\n".join(record.lines())


def test_the_record_is_plain_data(tmp_path: Path) -> None:
    put(tmp_path, "train/cat/x.txt")
    record = animals(tmp_path).record()
    content = record.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert content["sets"] == {"train": 9, "val": 8}
    assert content["classes"] == {"cat": 6, "dog": 3}
    assert content["passed_over"] == [{"reason": ".txt files", "number": 1, "examples": ["train/cat/x.txt"]}]


def test_the_hash_is_that_of_the_files_wherever_they_lie(tmp_path: Path) -> None:
    first, second = (animals(tmp_path / name).record().fingerprint for name in ("here", "there/deeper"))
    assert first == second
    (tmp_path / "here/train/cat/0.png").rename(tmp_path / "here/train/cat/9.png")
    (tmp_path / "there/deeper/train/cat/0.png").rename(tmp_path / "there/deeper/train/dog/0.png")
    third, fourth = (Folder(tmp_path / name).record().fingerprint for name in ("here", "there/deeper"))
    assert len({first, third, fourth}) == 3


def test_another_division_has_another_hash(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("cat", "dog", count=20))
    assert len({Folder(tmp_path, seed=seed).record().fingerprint for seed in (0, 1)}) == 2
    assert "drawn with seed 7)" in Folder(tmp_path, seed=7).record().lines()[1]


def test_a_choice_of_training_images_is_said(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("cat", "dog", count=20))
    lines = Folder(tmp_path, train_samples=10, seed=3).record().lines()
    assert lines[1].startswith("  train 10, val 8 (")
    assert "  train_samples: 10 of 32 training images, drawn with seed 3" in lines


def test_many_classes_are_counted_and_some_named(tmp_path: Path) -> None:
    put(tmp_path, *of_classes(*(f"{number:02}" for number in range(30)), count=2))
    head = Folder(tmp_path, holdout=0.5).record().lines()[0]
    assert "60 images, 30 classes: 00, 01, 02, 03, 04, 05, 06, 07, 08, 09, … (1 images each in train)" in head


def test_every_source_has_one(tmp_path: Path) -> None:
    digits = Digits().record()
    assert (digits.sets, digits.classes["0"]) == ({"train": 1400, "val": 397}, 139)
    assert digits.lines()[-1].startswith("  sha256 of the pixels and labels: ")
    assert digits.fingerprint != Digits(seed=1).record().fingerprint
    write_parquet(tmp_path / "train.parquet", [0, 1] * 5, names=["cat", "dog"])
    lines = Parquet(tmp_path, holdout=0.4).record().lines()
    assert lines[0] == f"Parquet {tmp_path}: 10 images, 2 classes: cat, dog (3 images each in train)"
    assert lines[1] == "  train 6, val 4 (held out: a share of 0.4 of every class, drawn with seed 0)"


@pytest.mark.parametrize("encoded", [False, True])
def test_a_source_of_your_own_has_one(encoded: bool) -> None:
    source: ImageSource = ToySource(30, 11, encoded)
    assert source.record().lines()[:2] == [
        "ToySource: 41 images, 2 classes: even, odd (15 images each in train)",
        "  train 30, val 11",
    ]


def test_a_class_without_images_is_the_smallest() -> None:
    splits = ToySource().load()
    record = DataRecord.of("x", splits.sets(), ("even", "odd", "none"))
    assert "(in train smallest: none, 0 images; largest: even, 15)" in record.lines()[0]


def test_some_images_without_labels_are_counted(tmp_path: Path) -> None:
    write_parquet(tmp_path / "train.parquet", [0, 1, None, None, None])
    write_parquet(tmp_path / "val.parquet", [0, 1] * 5)
    record = Parquet(tmp_path).record()
    assert record.unlabelled == {"train": 3}
    assert record.lines()[1].startswith("  train 5 (3 of them without labels), reference 8, val 2 (held out: ")


def test_a_reference_set_of_its_own_is_counted() -> None:
    toy = ToySource().load()
    splits = ImageSplits(toy.train, toy.val, toy.val)
    assert ToySource().record(splits).sets == {"train": 30, "reference": 11, "val": 11}


def test_copies_of_training_images_in_other_sets_are_said(tmp_path: Path) -> None:
    source = animals(tmp_path)
    for name in ("val/cat/copy.png", "val/dog/other name.png"):
        (tmp_path / name).write_bytes((tmp_path / "train/cat/2.png").read_bytes())
    source = Folder(tmp_path)
    (line,) = [line for line in source.record().lines() if "are copies of" in line]
    assert line == (
        f"  2 of 10 images of val are copies of training images, byte for byte ({tmp_path}/val/cat/copy.png is "
        f"{tmp_path}/train/cat/2.png)"
    )


def test_copies_are_not_looked_for_among_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from csl.data import folder

    monkeypatch.setattr(folder, "MOST", 10)
    assert any("were not looked for among more than 10 files" in line for line in animals(tmp_path).record().lines())
