import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from jsonargparse import ArgumentParser

from csl.data import ImageDataModule, Parquet
from csl.data.row_groups import RowGroups
from tests.data.test_row_groups import count_reads
from tests.data.toy import png


def write(
    path: Path, labels: list[Any] | None, struct: bool = True, names: list[str] | None = None, side: int = 6
) -> None:
    count = 4 if labels is None else len(labels)
    images: list[Any] = [png(np.full((side, side, 3), 10 * i % 256, dtype=np.uint8)) for i in range(count)]
    columns: dict[str, Any] = {"image": [{"bytes": b, "path": None} for b in images] if struct else images}
    if labels is not None:
        columns["label"] = labels
    table = pa.table(columns)
    if names:
        features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": names}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=2)


@pytest.mark.parametrize("struct", [True, False])
def test_hugging_face_layout(tmp_path: Path, struct: bool) -> None:
    write(tmp_path / "data" / "train-00000-of-00002.parquet", [0, 1, 0], struct, ["cat", "dog"])
    write(tmp_path / "data" / "train-00001-of-00002.parquet", [1, 1], struct, ["cat", "dog"])
    write(tmp_path / "data" / "test-00000-of-00001.parquet", [1, 0, 1], struct, ["cat", "dog"])
    source = Parquet(str(tmp_path))
    splits = source.load()
    assert source.class_names == ("cat", "dog")
    assert source.native_size == 6
    assert splits.train.labels.tolist() == [0, 1, 0, 1, 1]
    assert splits.val.labels.tolist() == [1, 0, 1]
    data = ImageDataModule(source, batch_size=5)
    data.setup("fit")
    (batch,) = list(data.val_dataloader()[0])
    assert batch.images.shape == (5, 3, 6, 6)
    assert batch.images[:, 0, 0, 0].tolist() == [0, 10, 20, 0, 10]


def test_folders_named_for_sets(tmp_path: Path) -> None:
    for name, labels in {"train": [0, 1], "validation": [1, 0], "test": [0, 0, 1]}.items():
        write(tmp_path / name / "0000.parquet", labels)
    splits = Parquet(tmp_path).load()
    assert splits.test is not None
    assert [len(part) for part in (splits.train, splits.val, splits.test)] == [2, 2, 3]


def test_one_file_is_divided(tmp_path: Path) -> None:
    write(tmp_path / "animals.parquet", [0] * 5 + [1] * 5)
    splits = Parquet(str(tmp_path / "animals.parquet"), holdout=0.4).load()
    assert splits.val.labels.tolist() == [0, 0, 1, 1]
    assert len(splits.train) == 6


def test_a_list_of_files(tmp_path: Path) -> None:
    paths = [tmp_path / "train-a.parquet", tmp_path / "test-a.parquet"]
    for path in paths:
        write(path, [0, 1])
    assert len(Parquet([str(path) for path in paths]).load().val) == 2


def test_strings_are_numbered_in_alphabetical_order(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["dog", "ant", "cat"])
    write(tmp_path / "test.parquet", ["cat", "ant"])
    source = Parquet(tmp_path)
    assert source.class_names == ("ant", "cat", "dog")
    assert source.load().val.labels.tolist() == [1, 0]


def test_a_training_set_without_labels(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", None)
    write(tmp_path / "test.parquet", [0] * 5 + [1] * 5)
    splits = Parquet(tmp_path).load()
    assert splits.train.labels.tolist() == [-1] * 4
    assert [len(splits.reference), len(splits.val)] == [8, 2]


def test_a_name_elsewhere_in_the_path_does_not_count(tmp_path: Path) -> None:
    root = tmp_path / "train-station" / "test"
    write(root / "images.parquet", [0] * 5 + [1] * 5)
    assert len(Parquet(root).load().train) == 8


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"image_column": "img"}, "no column 'img', only image, label"),
        (
            {"label_column": "y"},
            "label_column: no file has a column 'y', only image, label; name one of these, or null to",
        ),
    ],
)
def test_missing_column(tmp_path: Path, column: dict[str, Any], message: str) -> None:
    write(tmp_path / "train.parquet", [0, 1])
    with pytest.raises(ValueError, match=message):
        Parquet(tmp_path, **column)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"files: expected Parquet files in .*, found none"):
        Parquet(tmp_path)
    with pytest.raises(ValueError, match=r"files: expected Parquet files, .*gone\.parquet' is no file"):
        Parquet(tmp_path / "gone.parquet")


def test_a_file_of_no_set(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1])
    write(tmp_path / "more.parquet", [0, 1])
    with pytest.raises(ValueError, match=r"cannot tell which set '.*more\.parquet' belongs to"):
        Parquet(tmp_path)


def test_a_label_that_is_no_class(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1, 2], names=["cat", "dog"])
    write(tmp_path / "test.parquet", [0, 1], names=["cat", "dog"])
    with pytest.raises(ValueError, match="Parquet: train: expected labels from 0 to 1, got 2 for image 2"):
        ImageDataModule(Parquet(tmp_path), batch_size=2).setup("fit")


def test_a_row_without_bytes_is_named(tmp_path: Path) -> None:
    table = pa.table({"image": [{"bytes": None, "path": "../../etc/passwd"}] * 4, "label": [0, 0, 1, 1]})
    pq.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(ValueError, match=r"train\.parquet row 0: expected the image's bytes, found none"):
        Parquet(tmp_path)


@pytest.mark.parametrize("form", ["{}", '["{}"]'])
def test_command_line(tmp_path: Path, form: str) -> None:
    path = tmp_path / "animals.parquet"
    write(path, [0] * 5 + [1] * 5)
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(ImageDataModule, "data")
    line = ["--data.source=Parquet", f"--data.source.files={form.format(path)}", "--data.source.holdout=0.4"]
    assert parser.instantiate(parser.parse_args(line)).data.num_train == 6


def test_a_path_beside_missing_bytes_is_never_opened(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(np.zeros((6, 6, 3), dtype=np.uint8)))
    images = [{"bytes": None, "path": str(secret)}, {"bytes": None, "path": "../secret.png"}]
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"image": images, "label": [0, 1]}), tmp_path / "in" / "x.parquet")
    with pytest.raises(ValueError, match=r"x\.parquet row 0: expected the image's bytes, found none"):
        Parquet(str(tmp_path / "in"))


@pytest.mark.parametrize(
    ("labels", "found"), [([0.5, 1.0, 0.5, 1.0], "float"), ([True, False] * 2, "bool"), ([[0], [1]] * 2, "list")]
)
def test_labels_of_another_kind_are_refused(tmp_path: Path, labels: list[Any], found: str) -> None:
    write(tmp_path / "x.parquet", labels)
    with pytest.raises(ValueError, match=f"label_column: expected integers or strings in column 'label', got {found}"):
        Parquet(str(tmp_path / "x.parquet"))


def test_integers_in_one_file_and_strings_in_another_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1])
    write(tmp_path / "test.parquet", ["cat", "dog"])
    with pytest.raises(ValueError, match="got int, str"):
        Parquet(str(tmp_path))


def test_files_with_and_without_labels_are_told_apart_one_by_one(tmp_path: Path) -> None:
    write(tmp_path / "train-0.parquet", None)
    write(tmp_path / "train-1.parquet", [1, 0])
    write(tmp_path / "val.parquet", [0, 1] * 5)
    assert Parquet(str(tmp_path)).load().train.labels.tolist() == [-1] * 4 + [1, 0]


def test_more_labels_than_declared_classes_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1, 2], names=["cat", "dog"])
    write(tmp_path / "val.parquet", [0, 1])
    with pytest.raises(ValueError, match="expected labels from 0 to 1, got 2"):
        ImageDataModule(Parquet(str(tmp_path)), batch_size=2).setup("fit")


@pytest.mark.parametrize(
    "declared", [b"not json", b"[1]", b'{"info": {"features": {"label": {"names": "ab"}}}}', b"null"]
)
def test_metadata_that_is_not_hugging_faces_is_passed_over(tmp_path: Path, declared: bytes) -> None:
    write(tmp_path / "x.parquet", [0, 1, 0, 1])
    table = pq.read_table(tmp_path / "x.parquet").replace_schema_metadata({"huggingface": declared})
    pq.write_table(table, tmp_path / "x.parquet")
    assert Parquet(str(tmp_path / "x.parquet")).class_names == ("0", "1")


@pytest.mark.parametrize("size", [0, 100, -200])
def test_a_damaged_file_is_named(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x.parquet"
    write(path, [0, 1, 0, 1])
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match=r"x\.parquet: not a Parquet file, or a damaged one"):
        Parquet(str(path))


@pytest.mark.parametrize(("share", "kept"), [(0.9, 8), (1.1, 50), (100.0, 8)])
def test_what_fits_the_budget_is_decoded_or_held_and_the_rest_is_read_as_needed(
    tmp_path: Path, share: float, kept: int
) -> None:
    write(tmp_path / "train.parquet", [0, 1] * 50, side=64)
    write(tmp_path / "test.parquet", [0, 1] * 50, side=64)
    source = Parquet(tmp_path)  # decoded, they take 2.5 MB
    encoded = 2 * RowGroups([str(tmp_path / "train.parquet")], "image").num_bytes
    assert encoded > 100 * 70  # bytes of a PNG file
    data = ImageDataModule(source, batch_size=20, memory_budget=share * encoded / 1e9, num_workers=0)
    data.setup("fit")
    rows: Any = data.splits.train
    loader = data.train_dataloader()
    index = torch.cat([batch.index for batch in loader])
    assert sorted(index.tolist()) == list(range(100))
    assert len(rows.encoded._rows._kept) == kept


def test_an_epoch_without_memory_reads_every_row_group_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "train.parquet", [0, 1] * 50)
    write(tmp_path / "test.parquet", [0, 1])
    data = ImageDataModule(Parquet(tmp_path), batch_size=20, memory_budget=0.0, num_workers=0)
    data.setup("fit")
    loader, reads = data.train_dataloader(), count_reads(monkeypatch)
    for batch in loader:
        expected = 10 * batch.index[:, None, None, None]  # a picture's shade is its number's
        assert torch.equal(batch.images.long(), expected.expand(-1, 3, 6, 6) % 256)
    train = [group for file, group in reads if file.endswith("train.parquet")]
    assert len(train) <= 50  # some are still there from the labels' check
    assert len(train) == len(set(train))


def test_sparse_integers_are_consecutive_classes_called_by_their_numbers(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [2500007, 1000003, 2500007])
    write(tmp_path / "val.parquet", [1000003, 2500007])
    source = Parquet(tmp_path)
    splits = source.load()
    assert source.class_names == ("1000003", "2500007")
    assert splits.train.labels.tolist() == [1, 0, 1]
    assert splits.val.labels.tolist() == [0, 1]


def test_declared_names_are_kept_where_a_class_has_no_image(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 2], names=["cat", "dog", "fox"])
    write(tmp_path / "val.parquet", [2, 0], names=["cat", "dog", "fox"])
    source = Parquet(tmp_path)
    assert source.class_names == ("cat", "dog", "fox")
    assert source.load().train.labels.tolist() == [0, 2]


def test_words_that_are_one_number_are_two_classes(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["1", "01", "1", "01"])
    assert Parquet(tmp_path, holdout=0.5).class_names == ("01", "1")


def test_whole_numbers_that_pandas_keeps_as_fractions(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [1.0, float("nan"), 0.0, None])
    write(tmp_path / "val.parquet", [0, 1] * 5)
    assert Parquet(tmp_path).load().train.labels.tolist() == [1, -1, 0, -1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-5, 1, 2, 3], "label_column: expected integers from 0 in column 'label', or -1 for none, got -5"),
        (
            [-1, 1, -1, 1],
            "label_column: column 'label' holds -1 and 1, but -1 means that an image has no label; number",
        ),
    ],
)
def test_negative_labels(tmp_path: Path, labels: list[int], message: str) -> None:
    write(tmp_path / "x.parquet", labels)
    with pytest.raises(ValueError, match=message):
        Parquet(tmp_path)


def test_files_that_declare_different_names_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0, 1], names=["cat", "dog"])
    write(tmp_path / "val.parquet", [0, 1], names=["dog", "cat"])
    with pytest.raises(
        ValueError, match=r"train\.parquet and .*val\.parquet declare different class names in column 'la"
    ):
        Parquet(tmp_path)


@pytest.mark.parametrize("labels", ["no column", [-1] * 10, [None] * 10])
def test_nothing_labelled(tmp_path: Path, labels: Any) -> None:
    images = [png(np.full((6, 6, 3), 10 * i, dtype=np.uint8)) for i in range(10)]
    columns: dict[str, Any] = {"image": images}
    if labels != "no column":
        columns["label"] = pa.array(labels, pa.int64())
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    if labels == "no column":  # it is not missed where there is nothing but images
        assert Parquet(tmp_path).class_names == ()
    source = Parquet(tmp_path, label_column=None) if labels == "no column" else Parquet(tmp_path)
    splits = source.load()
    assert (source.class_names, source.num_classes) == ((), 0)
    assert [len(splits.train), len(splits.val)] == [8, 2]
    assert splits.reference is splits.train
    text = str(source.record(splits))
    assert "10 images, none of them with a label" in text
    assert ("no row has a label in column 'label'" in text) == (labels != "no column")
    data = ImageDataModule(source, batch_size=4)
    data.setup("fit")
    assert next(iter(data.train_dataloader())).labels.tolist() == [-1] * 4


def test_a_column_of_labels_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", [0, 1] * 5)
    assert Parquet(tmp_path, label_column=None).class_names == ()


def test_a_labelled_set_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "pool" / "train.parquet", [7] * 20)
    write(tmp_path / "pool" / "val.parquet", [7] * 20)
    write(tmp_path / "animals.parquet", ["cat", "dog"] * 5)
    source = Parquet(tmp_path / "pool", holdout=0.4, evaluate_on=str(tmp_path / "animals.parquet"), train_samples=15)
    splits = source.load()
    assert source.class_names == ("cat", "dog")
    assert splits.train.labels.tolist() == [-1] * 15
    assert splits.reference.labels.bincount().tolist() == [3, 3]
    assert splits.val.labels.bincount().tolist() == [2, 2]
    lines = source.record(splits).lines()
    assert lines[1] == (
        "  train 15 without labels, reference 6, val 4 (held out: a share of 0.4 of every class, drawn with seed 0, "
        f"in Parquet {tmp_path}/animals.parquet)"
    )
    ImageDataModule(source, batch_size=4).setup("fit")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ("gone", "evaluate_on: expected Parquet files, .*gone' is no file"),
        ("bare.parquet", "evaluate_on: the images in"),
    ],
)
def test_an_evaluation_set_that_cannot_serve(tmp_path: Path, files: str, message: str) -> None:
    write(tmp_path / "train.parquet", [0, 1])
    write(tmp_path / "bare.parquet", None)
    with pytest.raises(ValueError, match=message):
        Parquet(tmp_path / "train.parquet", evaluate_on=tmp_path / files)


def test_some_labels_are_not_enough(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", [0, 1, None, None])
    with pytest.raises(ValueError, match=r"only 2 of 4 training images have labels; add a labelled val or test set"):
        Parquet(tmp_path).load()


def test_hidden_files_and_names_in_any_case(tmp_path: Path) -> None:
    write(tmp_path / "Training-0.PARQUET", [0, 1])
    write(tmp_path / "dev.parquet", [0, 1])
    write(tmp_path / ".cache" / "train.parquet", [0, 1])
    write(tmp_path / "._train.parquet", [0, 1])
    source = Parquet(tmp_path)
    splits = source.load()
    assert [len(splits.train), len(splits.val)] == [2, 2]
    assert "hidden or left behind by a system: 2 (._train.parquet, .cache/train.parquet)" in str(source.record(splits))


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write(tmp_path / "x" / "y.parquet", [0, 1] * 5)
    assert Parquet("~/x").class_names == Parquet(["~/x/y.parquet"]).class_names == ("0", "1")


def test_a_file_that_is_named_twice(tmp_path: Path) -> None:
    write(tmp_path / "x.parquet", [0, 1] * 5)
    with pytest.raises(ValueError, match=r"files: expected every file once, got '.*x\.parquet' several times"):
        Parquet([str(tmp_path / "x.parquet")] * 2)
