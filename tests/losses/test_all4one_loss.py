import pytest
import torch
from torch import Tensor

from csl.distributed import world
from csl.losses import All4OneLoss, all4one_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

PARTS = [random(2, 6, 4, seed=seed) for seed in range(6)]


def _loss(a: Tensor, p: Tensor, c: Tensor, s: Tensor, z: Tensor, t: Tensor) -> Tensor:
    return all4one_loss(a, p, c, s, z, t, 0.3, world())


def _contrast(rows: Tensor, columns: Tensor, temperature: float) -> Tensor:
    rows, columns = rows / rows.norm(dim=1, keepdim=True), columns / columns.norm(dim=1, keepdim=True)
    terms = []
    for i in range(6):
        others = sum(torch.exp(rows[i] @ column / temperature) for column in columns)
        terms.append(torch.exp(rows[i] @ columns[i] / temperature) / others)
    return -torch.stack(terms).log().mean()


def _reference(a: Tensor, p: Tensor, c: Tensor, s: Tensor, z: Tensor, t: Tensor) -> Tensor:
    near = (_contrast(a[0], p[1], 0.3) + _contrast(a[1], p[0], 0.3)) / 2
    central = (_contrast(c[0], s[1], 0.1) + _contrast(c[1], s[0], 0.1)) / 2
    on, off = [], []
    for targets, projections in ((t[0], z[1]), (t[1], z[0])):
        for k in range(4):
            for m in range(4):
                one, two = targets[:, k], projections[:, m]
                cosine = one @ two / one.norm() / two.norm()
                if k == m:
                    on.append((cosine - 1).square())
                else:
                    off.append(cosine.square())
    features = 10 * (0.5 * torch.stack(on).mean().sqrt() + 0.5 * torch.stack(off).mean().sqrt())
    return 0.5 * near + 0.5 * central + 0.5 * features


def test_it_is_the_authors() -> None:
    assert_same(_loss, _reference, *PARTS)


def test_gradients_are_finite_where_nothing_is_left_to_learn() -> None:
    one = torch.eye(4).expand(2, 4, 4).clone().requires_grad_()
    all4one_loss(one, one, one, one, one, one).backward()  # type: ignore[no-untyped-call]
    assert one.grad is not None
    assert one.grad.isfinite().all()


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, *PARTS)


def test_the_temperature_must_be_positive() -> None:
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        All4OneLoss(0)
