import torch
from torch import Tensor

from csl.distributed import world
from csl.losses import t_simcne_loss
from tests.losses.rows import assert_parity, assert_same, random
from tests.two_processes import TwoProcesses

FIRST, SECOND = random(6, 3), random(6, 3, seed=1)


def _loss(first: Tensor, second: Tensor) -> Tensor:
    return t_simcne_loss(first, second, world())


def _reference(first: Tensor, second: Tensor) -> Tensor:
    views = torch.cat([first, second])
    similarity = [[1 / (1 + (a - b).square().sum()) for b in views] for a in views]
    losses = []
    for i in range(12):
        others = torch.stack([similarity[i][j] for j in range(12) if j != i]).sum()
        losses.append(-torch.log(similarity[i][(i + 6) % 12] / others))
    return torch.stack(losses).mean()


def test_it_is_the_papers() -> None:
    assert_same(_loss, _reference, FIRST, SECOND)


def test_far_from_the_origin_few_digits_are_lost() -> None:
    first, second = FIRST.float(), SECOND.float()
    torch.testing.assert_close(
        t_simcne_loss(first + 1000, second + 1000), t_simcne_loss(first, second), atol=1e-3, rtol=0
    )


def test_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    assert_parity(two_processes, _loss, FIRST, SECOND)
