import io

import numpy as np
import pytest
import torch

from csl.figures import affinity_map


def _affinity(count: int) -> torch.Tensor:
    table = torch.rand(count, count, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    table = table + table.T + 50 * torch.eye(count)
    return table / table.sum()


def test_rows_are_shares_printed_in_percent_and_named() -> None:
    figure = affinity_map(torch.tensor([[0.45, 0.05], [0.05, 0.45]]), ["cat", "dog"], title="T = 0.1")
    axes, bar = figure.axes
    assert axes.get_title() == "T = 0.1"
    assert [text.get_text() for text in axes.texts] == ["90", "10", "10", "90"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog"]
    assert "%" in bar.get_ylabel()
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array()), [[0.9, 0.1], [0.1, 0.9]])
    figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize(("count", "printed", "named"), [(1, 1, 1), (12, 144, 12), (13, 0, 13), (100, 0, 0)])
def test_numbers_and_names_where_there_is_room(count: int, printed: int, named: int) -> None:
    axes = affinity_map(_affinity(count), [f"class {i}" for i in range(count)]).axes[0]
    assert len(axes.texts) == printed
    assert sum(label.get_text().startswith("class") for label in axes.get_yticklabels()) == named


def test_an_empty_class_is_an_empty_row() -> None:
    axes = affinity_map(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), ["a", "b"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["100", "0", "0", "0"]


def test_refuses_bad_input() -> None:
    with pytest.raises(ValueError, match=r"square matrix \[C, C\], got shape \(2, 3\)"):
        affinity_map(torch.ones(2, 3), ["a", "b"])
    with pytest.raises(ValueError, match="class_names: expected the 2 classes of the affinity, got 3"):
        affinity_map(torch.ones(2, 2), ["a", "b", "c"])
    with pytest.raises(ValueError, match="finite values of 0 or more"):
        affinity_map(torch.full((2, 2), torch.nan), ["a", "b"])


def test_names_are_shown_as_they_are_written() -> None:
    names = ["$\\frac{", "<b>", "_a$b"]
    figure = affinity_map(torch.eye(3), names, title="100$ $")
    figure.savefig(io.BytesIO(), format="png")
