import math

import numpy as np
import pytest
import scipy.linalg
import scipy.spatial
import torch
from torch import Tensor

from csl.metrics.functional import procrustes_similarity
from tests.metrics.functional.test_linear_cka import sets
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_equals_scipy_where_the_narrower_set_is_filled_up_with_zeros(offset: float) -> None:
    x, y = (rows.double().numpy() for rows in sets())
    disparity = scipy.spatial.procrustes(x, np.pad(y, ((0, 0), (0, 3))))[2]  # 1 − s², at the best scale
    value = float(procrustes_similarity(torch.from_numpy(x) + offset, torch.from_numpy(y)))
    assert value == pytest.approx(math.sqrt(1 - disparity), rel=1e-8)
    assert 0.1 < value < 0.95


def test_the_best_rotation_leaves_the_distance_that_it_states() -> None:
    x, y = (rows.double() - rows.double().mean(dim=0) for rows in sets())
    y = torch.nn.functional.pad(y, (0, 3))
    x, y = x / x.norm(), y / y.norm()
    rotation, _ = scipy.linalg.orthogonal_procrustes(y.numpy(), x.numpy())
    left = float((x - y @ torch.from_numpy(rotation)).square().sum())
    assert 2 - 2 * float(procrustes_similarity(x, y)) == pytest.approx(left, rel=1e-9)


def test_rotation_scale_and_offset_change_nothing() -> None:
    x, y = sets()
    rotation = torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(0)).double()).Q
    moved = 7 * x.double() @ rotation - 4
    assert float(procrustes_similarity(moved, y)) == pytest.approx(float(procrustes_similarity(x, y)), rel=1e-9)
    assert float(procrustes_similarity(moved, x)) == pytest.approx(1)
    assert float(procrustes_similarity(y, x)) == pytest.approx(float(procrustes_similarity(x, y)), rel=1e-9)


@pytest.mark.parametrize("rows", [torch.full((10, 3), 0.1), torch.zeros(0, 3), torch.ones(1, 3)])
def test_without_variance_it_is_nan(rows: Tensor) -> None:
    with pytest.warns(RuntimeWarning, match="Procrustes similarity is NaN: one of the sets has no variance"):
        assert procrustes_similarity(rows, ordinary(len(rows), 4)).isnan()


@pytest.mark.parametrize("first", [None, 0, 30])
def test_two_processes_equal_one(two_processes: TwoProcesses, first: int | None) -> None:
    for found in two_processes.sharded(procrustes_similarity, sets(), cut=first):
        torch.testing.assert_close(found, procrustes_similarity(*sets()), rtol=1e-9, atol=0)
