import pytest
import torch
from torch import Tensor

from csl.metrics.functional import class_affinity, relative_local_density
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.dense import dense_block_sums
from tests.pairwise.hard_data import ordinary


def _affinity(x: Tensor, y: Tensor) -> Values:
    sums = dense_block_sums(x, torch.unique(y, return_inverse=True)[1], len(set(y.tolist())), 0.2)
    return [float(entry) for entry in (sums / sums.sum()).flatten()]


REFERENCES = {
    "class_affinity": Reference(
        _affinity, ANY, {"temperature": 0.2}, two_samples=[0.0, 0.5, 0.5, 0.0], one_class=[1.0]
    ),
}


def test_equals_the_normalised_block_sums_of_the_definition() -> None:
    features, labels = ordinary(), torch.arange(400) % 3
    ours = class_affinity(features, labels * 5 - 5 + 2, 0.2)
    expected = dense_block_sums(features, labels, 3, 0.2)
    torch.testing.assert_close(ours, expected / expected.sum(), rtol=0, atol=1e-7)
    assert float(ours.sum()) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(ours, ours.T)


def test_relative_local_density_follows_from_it() -> None:
    features, labels = ordinary(), torch.arange(400) % 3
    affinity = class_affinity(features, labels, 0.2)
    expected = affinity.trace() - affinity.sum(dim=0).square().sum()
    torch.testing.assert_close(relative_local_density(features, labels, 0.2), expected)


def test_undefined_is_nan_with_a_warning() -> None:
    with pytest.warns(RuntimeWarning, match="class affinity is NaN"):
        affinity = class_affinity(torch.ones(6, 2), torch.arange(6) % 3, 0.1)
    assert affinity.shape == (3, 3)
    assert affinity.isnan().all()
