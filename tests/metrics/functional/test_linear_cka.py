import numpy as np
import pytest
import torch
from torch import Tensor

from csl.metrics.functional import linear_cka, mutual_neighbors
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def sets(n: int = 120) -> tuple[Tensor, Tensor]:
    """The same samples in two spaces, of which one is partly noise."""
    first = ordinary(n, 8) * torch.arange(1, 9) + 3
    noise = torch.randn(n, 5, generator=torch.Generator().manual_seed(1))
    return first, first[:, :5] @ torch.ones(5, 5).triu() + 3 * noise


def by_kernels(x: Tensor, y: Tensor) -> float:
    """By the N×N Gram matrices and their centring, as the paper defines HSIC."""
    n = len(x)
    center = np.eye(n) - 1 / n
    k, m = (center @ (rows.double().numpy() @ rows.double().numpy().T) @ center for rows in (x, y))
    return float((k * m).sum() / np.sqrt((k * k).sum() * (m * m).sum()))


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_equals_the_definition_by_kernels(offset: float) -> None:
    x, y = sets()
    value = linear_cka(x.double() + offset, y)
    assert float(value) == pytest.approx(by_kernels(x, y), rel=1e-6)
    assert 0.1 < float(value) < 0.95


def test_rotation_scale_and_offset_change_nothing() -> None:
    x, y = sets()
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).double()).Q
    moved = 7 * x.double() @ rotation - 4
    assert float(linear_cka(moved, y)) == pytest.approx(float(linear_cka(x, y)), rel=1e-9)
    assert float(linear_cka(moved, x)) == pytest.approx(1)
    assert float(linear_cka(y, x)) == pytest.approx(float(linear_cka(x, y)), rel=1e-9)


@pytest.mark.parametrize("function", [linear_cka, mutual_neighbors])
def test_refuses_sets_of_other_samples(function: object) -> None:
    assert callable(function)
    x, y = sets(20)
    with pytest.raises(ValueError, match="second: expected 20 rows, as many as first, got 19"):
        function(x, y[1:])
    with pytest.raises(ValueError, match=r"features: expected floating point, got torch\.int64"):
        function(x, y.long())
    y[3] = torch.nan
    with pytest.raises(ValueError, match="NaN or infinity in 1 of 20 rows"):
        function(x, y)


@pytest.mark.parametrize("rows", [torch.full((10, 3), 0.1), torch.zeros(0, 3), torch.ones(1, 3)])
def test_without_variance_it_is_nan(rows: Tensor) -> None:
    with pytest.warns(RuntimeWarning, match="linear CKA is NaN: one of the sets has no variance"):
        assert linear_cka(rows, ordinary(len(rows), 4)).isnan()


@pytest.mark.parametrize("first", [None, 0, 30])
def test_two_processes_equal_one(two_processes: TwoProcesses, first: int | None) -> None:
    for found in two_processes.sharded(linear_cka, sets(), cut=first):
        torch.testing.assert_close(found, linear_cka(*sets()), rtol=1e-9, atol=0)
    for found in two_processes.sharded(mutual_neighbors, sets(), 7, cut=first):
        torch.testing.assert_close(found, mutual_neighbors(*sets(), 7), rtol=1e-9, atol=0)
