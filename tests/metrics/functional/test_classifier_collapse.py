import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid
from torch import Tensor

from csl.metrics.functional import classifier_collapse
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses

LABELS = torch.arange(60) % 4


def _case() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Four overlapping classes of 60 rows `[60, 5]`, and a classifier that knows them a little."""
    generator = torch.Generator().manual_seed(3)
    centers = torch.randn(4, 5, generator=generator).double()
    weight = centers + torch.randn(4, 5, generator=generator)
    return centers[LABELS] + ordinary(60, 5).double() + 2, LABELS, weight, torch.randn(4, generator=generator).double()


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_equals_both_definitions_written_out(offset: float) -> None:
    x, y, weight, bias = _case()
    x = x + offset
    rows, labels, w = x.numpy(), y.numpy(), weight.numpy()
    centers = np.stack([rows[labels == c].mean(axis=0) for c in range(4)]) - rows.mean(axis=0)
    duality = np.linalg.norm(w / np.linalg.norm(w) - centers / np.linalg.norm(centers))
    decided = (rows @ w.T + bias.numpy()).argmax(axis=1)
    agreement = (decided == NearestCentroid().fit(rows, labels).predict(rows)).mean()
    found = classifier_collapse(x, y, weight, bias).tolist()
    assert found == pytest.approx([duality, agreement], rel=1e-9)
    assert 0.2 < found[0] < 1.5
    assert 0 < found[1] < 1


def test_class_means_as_weights_have_collapsed_whatever_their_scale() -> None:
    points = torch.eye(4) - 1 / 4
    found = classifier_collapse(3 * points[LABELS] + 7, LABELS, 0.2 * points, -1.4 * points.sum(dim=1))
    assert found.tolist() == pytest.approx([0, 1], abs=1e-6)
    assert float(classifier_collapse(points[LABELS], LABELS, -points)[0]) == pytest.approx(2)


def test_classes_without_a_sample_are_left_out() -> None:
    x, y, weight, bias = _case()
    few = y != 1
    found = classifier_collapse(x[few], y[few], weight, bias - torch.tensor([0.0, 1e6, 0.0, 0.0]))
    others = torch.tensor([0, 2, 3])
    renumbered = torch.searchsorted(others, y[few])
    torch.testing.assert_close(found, classifier_collapse(x[few], renumbered, weight[others], bias[others]))


def test_without_a_difference_it_is_nan() -> None:
    with pytest.warns(RuntimeWarning, match="the classifier's collapse is NaN: class means or weights are all zero"):
        assert classifier_collapse(torch.ones(4, 2), torch.tensor([0, 0, 1, 1]), torch.eye(2)).isnan().all()


def test_arguments_that_do_not_fit_are_refused() -> None:
    x, y, weight, bias = _case()
    with pytest.raises(ValueError, match=r"^weight: expected shape \[C, 5\], got \[4, 3\]$"):
        classifier_collapse(x, y, weight[:, :3], bias)
    with pytest.raises(ValueError, match=r"^bias: expected shape \[4\], got \[3\]$"):
        classifier_collapse(x, y, weight, bias[:3])
    with pytest.raises(ValueError, match=r"^labels: expected 0 to 2, as the classifier has, got 0 to 3$"):
        classifier_collapse(x, y, weight[:3], bias[:3])


@pytest.mark.parametrize("first", [None, 0, 50])
def test_two_processes_equal_one(two_processes: TwoProcesses, first: int | None) -> None:
    x, y, weight, bias = _case()
    for found in two_processes.sharded(classifier_collapse, (x, y), cut=first, weight=weight, bias=bias):
        torch.testing.assert_close(found, classifier_collapse(x, y, weight, bias), rtol=1e-9, atol=0)
