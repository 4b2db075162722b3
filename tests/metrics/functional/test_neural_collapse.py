import itertools

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestCentroid
from torch import Tensor

from csl.metrics.functional import neural_collapse
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.hard_data import ordinary


def _collapse(x: Tensor, y: Tensor) -> Values:
    """Both covariances written out, and a pseudo-inverse."""
    rows, labels = x.double().numpy(), y.numpy()
    means = {c: rows[labels == c].mean(axis=0) for c in np.unique(labels)}
    centers = np.stack(list(means.values())) - rows.mean(axis=0)
    within = np.mean([np.outer(row - means[c], row - means[c]) for row, c in zip(rows, labels, strict=True)], axis=0)
    between = centers.T @ centers / len(centers)
    norms = np.linalg.norm(centers, axis=1)
    pairs = itertools.combinations(centers / norms[:, None], 2)
    return [
        float(np.trace(within @ np.linalg.pinv(between, rcond=1e-10)) / len(centers)),
        float(norms.std() / norms.mean()),
        float(np.mean([abs(a @ b + 1 / (len(centers) - 1)) for a, b in pairs])),
        float(NearestCentroid().fit(rows, labels).score(rows, labels)),
    ]


REFERENCES = {"neural_collapse": Reference(_collapse, ANY, two_samples=[0.0, 0.0, 0.0, 1.0])}


def _simplex(count: int) -> Tensor:
    return torch.eye(count) - 1 / count


def test_a_regular_simplex_has_collapsed() -> None:
    labels = torch.arange(40) % 4
    value = neural_collapse(3 * _simplex(4)[labels] + 7, labels)
    torch.testing.assert_close(value, torch.tensor([0.0, 0.0, 0.0, 1.0]).double(), rtol=0, atol=1e-6)


def test_each_number_sees_its_own_part_of_a_collapse() -> None:
    labels = torch.arange(200) % 4
    points = _simplex(4)
    noisy = neural_collapse(points[labels] + 0.01 * ordinary(200, 4), labels)
    assert 0 < float(noisy[0]) < 0.01
    longer = neural_collapse((points * torch.tensor([[1.0], [1.0], [1.0], [3.0]]))[labels], labels)
    assert float(longer[1]) > 0.1
    square = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    assert neural_collapse(square[labels], labels).tolist() == pytest.approx([0, 0, 4 / 9, 1], abs=1e-9)
    mixed = neural_collapse(ordinary(200, 4), labels)
    assert float(mixed[3]) < 0.6
    assert float(mixed[0]) > 1


def test_a_class_in_the_middle_of_all_has_no_direction() -> None:
    with pytest.warns(RuntimeWarning, match="neural collapse is NaN: a class has the mean of all samples"):
        assert neural_collapse(torch.tensor([[1.0], [-1.0], [0.0]]), torch.arange(3)).isnan().all()
