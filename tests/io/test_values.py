"""Every array-like goes in, in memory and from a file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from csl.io import as_array, read_features
from csl.metrics import analyze

X = np.random.default_rng(0).normal(size=(30, 4))
WORDS = ["cat", "dog", "ant"] * 10
READ_ONLY = X.copy()
READ_ONLY.setflags(write=False)


@pytest.mark.parametrize(
    "features",
    [
        X.tolist(),
        X.astype(object),
        X.astype(">f8"),
        X[::-1][::-1],
        np.asfortranarray(X),
        READ_ONLY,
        np.array([*map(np.array, X), None], dtype=object)[:-1],
        [torch.tensor(row) for row in X],
        torch.tensor(X, requires_grad=True),
    ],
    ids=["list", "objects", "big-endian", "negative strides", "Fortran", "read-only", "rows", "tensors", "gradient"],
)
@pytest.mark.parametrize("labels", [WORDS, np.array(WORDS, dtype=object), np.array([1, 2, 0] * 10, dtype=">i2")[::1]])
def test_python_takes_it(features: Any, labels: Any) -> None:
    found = analyze(features, labels, metrics=["calinski_harabasz"])
    expected = analyze(torch.tensor(X), torch.tensor([1, 2, 0] * 10), metrics=["calinski_harabasz"])
    assert found == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([[1, 2], [3]], "features: expected numbers or words in rows of one length"),
        ([{"a": 1}], "features: expected numbers or words in rows of one length"),
        (["cat", "dog"], "features: expected numbers [N, D], got words, such as 'cat'"),
        (np.array(["2020-01-01"], dtype="M8[D]"), "features: expected numbers or words, got datetime64[D]"),
    ],
)
def test_what_is_neither_numbers_nor_words_is_refused(value: Any, said: str) -> None:
    with pytest.raises(ValueError, match="expected") as caught:
        analyze(value)
    assert said in str(caught.value)


def test_words_that_are_integers_are_numbers() -> None:
    assert torch.equal(torch.as_tensor(as_array(["10", "9"])), torch.tensor([10, 9]))
    assert list(as_array(["01", "1"])) == ["01", "1"]


@pytest.mark.parametrize("header", ["a,b,c,d,label", ",a,b,c,d,label", ""])
def test_a_csv_file(tmp_path: Path, header: str) -> None:
    rows = [",".join([*map(repr, row.tolist()), word]) for row, word in zip(X, WORDS, strict=True)]
    if header.startswith(","):
        rows = [f"{number},{row}" for number, row in enumerate(rows)]
    (tmp_path / "f.csv").write_text("\n".join([*([header] if header else []), *rows]) + "\n")
    if not header:
        (tmp_path / "f.csv").write_text("\n".join(row.rpartition(",")[0] for row in rows))
    table = read_features(tmp_path / "f.csv")
    torch.testing.assert_close(table.values, torch.tensor(X))
    if header:
        assert table.classes == ("ant", "cat", "dog")
        assert table.labels is not None
        assert table.labels.tolist() == [1, 2, 0] * 10
    else:
        assert table.labels is None


def test_a_file_in_another_byte_order(tmp_path: Path) -> None:
    np.savez(tmp_path / "f.npz", features=X.astype(">f4")[::-1], labels=np.array(WORDS))
    torch.testing.assert_close(read_features(tmp_path / "f.npz").values, torch.tensor(X[::-1].copy()).float())
