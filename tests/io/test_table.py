import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from csl.io import load_features, read_arrays, read_features, save_features
from csl.types import Features

X, Y = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([3, 3, 7, 7, 0, 0])


def _npz(path: Path) -> None:
    np.savez(path, features=X.numpy(), labels=Y.numpy())


def _pt(path: Path) -> None:
    torch.save({"features": X, "labels": Y, "epoch": 3, "names": ["a", "b"]}, path)


def _pth(path: Path) -> None:
    torch.save({"x": X.requires_grad_(False), "nested": {"y": Y.tolist()}, "y": Y}, path)


def _safetensors(path: Path) -> None:
    save_file({"embedding": X, "target": Y}, path)


def _parquet(path: Path) -> None:
    table = {"embedding": X.tolist(), "label": Y.tolist(), "file": [str(i) for i in range(6)], "struct": [{"a": 1}] * 6}
    pq.write_table(pa.table(table), path)


def _fixed_parquet(path: Path) -> None:
    rows = pa.FixedSizeListArray.from_arrays(pa.array(X.numpy().reshape(-1)), 4)
    pq.write_table(
        pa.table({"features": rows, "labels": pa.array(Y.numpy().astype(np.uint16))}), path, row_group_size=2
    )


WRITERS: dict[str, Callable[[Path], None]] = {
    "rows.npz": _npz,
    "rows.pt": _pt,
    "rows.pth": _pth,
    "rows.safetensors": _safetensors,
    "rows.parquet": _parquet,
    "fixed.parquet": _fixed_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_features_and_labels(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    values, labels, *_ = read_features(tmp_path / name)
    torch.testing.assert_close(values.float(), X, rtol=0, atol=1e-7)
    assert labels is not None
    assert labels.dtype == torch.int64
    assert torch.equal(labels, Y)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".txt", ".parquet"])
def test_labels_from_a_file_of_their_own(tmp_path: Path, suffix: str) -> None:
    np.save(tmp_path / "clip.npy", X.half().numpy())
    labels = tmp_path / f"classes{suffix}"
    if suffix == ".npy":
        np.save(labels, Y.numpy()[:, None])
    elif suffix == ".npz":
        np.savez(labels, other=Y.numpy(), y=Y.double().numpy())
    elif suffix == ".pt":
        torch.save(Y, labels)
    elif suffix == ".txt":
        labels.write_text("\n".join(str(int(y)) for y in Y) + "\n")
    else:
        pq.write_table(pa.table({"label": Y.tolist()}), labels)
    table = read_features(tmp_path / "clip.npy", labels=labels)
    assert table.values.dtype == torch.float16
    assert table.labels is not None
    assert torch.equal(table.labels, Y)


def test_words_are_classes_in_their_order_and_no_labels_are_none(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", clip=X.numpy(), class_=Y.numpy(), labels=np.array(list("bbccaa")))
    table = read_features(tmp_path / "a.npz")
    assert (table.features_key, table.labels_key) == ("clip", "labels")
    assert table.labels is not None
    assert table.labels.tolist() == [1, 1, 2, 2, 0, 0]
    np.savez(tmp_path / "b.npz", features=X.numpy(), index=np.arange(6))
    assert read_features(tmp_path / "b.npz").labels is None
    np.savez(tmp_path / "c.npz", features=X.numpy(), labels=np.full(6, -1))
    assert read_features(tmp_path / "c.npz").labels is None


def test_what_predict_writes_is_read(tmp_path: Path) -> None:
    path = save_features(tmp_path / "features.npz", Features(X, Y, torch.arange(6)))
    table = read_features(path)
    assert torch.equal(table.values, load_features(path).values)
    assert table.labels is not None
    assert torch.equal(table.labels, Y)


def test_integers_become_floating_point_features(tmp_path: Path) -> None:
    np.save(tmp_path / "pixels.npy", np.arange(12, dtype=np.uint8).reshape(6, 2))
    assert read_features(tmp_path / "pixels.npy").values.dtype == torch.float32


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("executed"),)  # type: ignore[return-value]


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_nothing_in_a_file_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    objects = np.array([Evil()], dtype=object)
    np.savez("evil.npz", features=objects)
    np.save("evil.npy", objects, allow_pickle=True)
    torch.save({"features": Evil()}, "evil.pt")
    Path("raw.pt").write_bytes(pickle.dumps(Evil()))
    for name in ("evil.npz", "evil.npy", "evil.pt", "raw.pt"):
        with pytest.raises(ValueError, match=name):
            read_features(name)
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    ("arrays", "options", "message"),
    [
        ({"a": X, "b": X}, {}, r"several matrices, a \[6, 4\] float32, b \[6, 4\] float32; choose with features_key"),
        ({"a": Y}, {}, r"expected a matrix of features \[N, D\], got a \[6\] int64"),
        ({"features": X}, {"features_key": "image"}, r"features_key: no array 'image'; it holds features \[6, 4\]"),
        ({"features": X}, {"labels_key": "y"}, r"labels_key: no array 'y'; it holds features \[6, 4\]"),
        ({"features": X, "labels": Y[:5]}, {}, r"labels: expected one label for each of 6 rows, got shape \[5\]"),
        ({"features": X, "labels": X[:, 0]}, {}, "expected whole numbers or words as labels, got fractions"),
        ({"features": X[..., None], "b": Y}, {"features_key": "features"}, r"got shape \[6, 4, 1\] of float32"),
    ],
)
def test_what_is_wrong_is_named_with_the_arrays_there_are(
    tmp_path: Path, arrays: dict[str, torch.Tensor], options: dict[str, str], message: str
) -> None:
    save_file({name: array.clone() for name, array in arrays.items()}, tmp_path / "rows.safetensors")
    with pytest.raises(ValueError, match=rf"rows\.safetensors: .*{message}"):
        read_features(tmp_path / "rows.safetensors", **options)


@pytest.mark.parametrize("labels", [["a", None, "b", None], [1, None, 2, None], [True, None, False, None]])
def test_null_labels_are_named_and_null_elsewhere_does_not_matter(
    tmp_path: Path, labels: list[str | int | bool | None]
) -> None:
    pq.write_table(pa.table({"features": [[1.0], [2.0], [3.0], [4.0]], "labels": labels}), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"a\.parquet: labels: 2 of 4 labels are null, the first of them in row 1"):
        read_features(tmp_path / "a.parquet")
    pq.write_table(pa.table({"features": [[1.0], [2.0], [3.0], [4.0]], "note": labels}), tmp_path / "b.parquet")
    assert read_features(tmp_path / "b.parquet").labels is None


def test_a_file_of_labels_that_names_none_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "clip.npy", X.numpy())
    np.savez(tmp_path / "two.npz", first=Y.numpy(), second=Y.numpy())
    with pytest.raises(ValueError, match=r"two\.npz: expected an array called labels, got first \[6\] int64, second"):
        read_features(tmp_path / "clip.npy", labels=tmp_path / "two.npz")


def test_a_pickled_model_is_refused_with_what_to_do(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
    with pytest.raises(ValueError, match=r"model\.pt: not a file of plain tensors .*save one with torch\.save"):
        read_arrays(tmp_path / "model.pt")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\.npz: no such file"):
        read_arrays(tmp_path / "rows.npz")
    with pytest.raises(ValueError, match=r"rows\.xls: expected a file that ends in \.npz, \.npy, \.pt"):
        read_arrays(tmp_path / "rows.xls")
    with pytest.raises(ValueError, match=r"last\.ckpt: .*features of a checkpoint are written by csl predict"):
        read_arrays(tmp_path / "last.ckpt")
    for suffix in (".npz", ".npy", ".pt", ".safetensors", ".parquet"):
        (tmp_path / f"broken{suffix}").write_bytes(b"not an array")
        with pytest.raises(ValueError, match=rf"broken\{suffix}: "):
            read_arrays(tmp_path / f"broken{suffix}")
    pq.write_table(pa.table({"features": [[1.0, 2.0], [1.0]]}), tmp_path / "ragged.parquet")
    with pytest.raises(ValueError, match=r"ragged\.parquet: the lists of column features are not all of one length"):
        read_arrays(tmp_path / "ragged.parquet")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be with a mark"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_byte_order_mark_is_no_part_of_a_label(tmp_path: Path, encoding: str, newline: str) -> None:
    np.save(tmp_path / "f.npy", np.ones((6, 2)))
    text = newline.join(["chat", "chien", "été", "chat", "âne", "chien"])
    marked = text.encode(encoding) if " " not in encoding else b"\xfe\xff" + text.encode("utf-16-be")
    (tmp_path / "labels.txt").write_bytes(marked)
    labels = read_features(tmp_path / "f.npy", tmp_path / "labels.txt").labels
    assert labels is not None
    assert labels.tolist() == [0, 1, 3, 0, 2, 1]


@pytest.mark.parametrize("suffix", [".txt", ".npy", ".parquet"])
def test_words_that_are_one_number_are_two_classes(tmp_path: Path, suffix: str) -> None:
    words = ["01", "1", "02", "1"]
    np.save(tmp_path / "f.npy", np.ones((4, 2)))
    path = tmp_path / f"labels{suffix}"
    if suffix == ".txt":
        path.write_text("\n".join(words))
    elif suffix == ".npy":
        np.save(path, np.array(words))
    else:
        pq.write_table(pa.table({"labels": words}), path)
    labels = read_features(tmp_path / "f.npy", path).labels
    assert labels is not None
    assert labels.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize(("words", "expected"), [(["007", "-1", "12"], [7, -1, 12]), (["9" * 30, "1", "2"], [2, 0, 1])])
def test_words_that_are_different_numbers_are_these(tmp_path: Path, words: list[str], expected: list[int]) -> None:
    np.save(tmp_path / "f.npy", np.ones((3, 2)))
    (tmp_path / "labels.txt").write_text("\n".join(words))
    labels = read_features(tmp_path / "f.npy", tmp_path / "labels.txt").labels
    assert labels is not None
    assert labels.tolist() == expected
