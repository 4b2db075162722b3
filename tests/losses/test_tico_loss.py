import pytest
import torch
from lightly.loss.tico_loss import TiCoLoss as LightlysLoss
from torch import Tensor, nn

from csl.distributed import world
from csl.losses import TiCoLoss, moved_covariance, tico_loss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses

BEFORE = torch.eye(5, dtype=torch.float64) / 5


class _OneStep(nn.Module):
    """The loss with the covariance that the batch itself has moved, as in the method."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return tico_loss(first, second, moved_covariance(BEFORE, first, 0.6, world()), rho=3.0)


def _reference(first: Tensor, second: Tensor) -> Tensor:
    z, t = (rows / rows.norm(dim=1, keepdim=True) for rows in (first, second))
    covariance = 0.6 * BEFORE + 0.4 * torch.stack([torch.outer(row, row) for row in z.detach()]).mean(dim=0)
    return torch.stack([1 - z[i] @ t[i] + 3 * z[i] @ covariance @ z[i] for i in range(len(z))]).mean()


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, _OneStep(), two_processes, random_views())


def test_two_steps_are_lightlys() -> None:
    covariance, theirs = torch.zeros(5, 5, dtype=torch.float64), LightlysLoss(beta=0.9, rho=8.0)
    for views in (random_views(), random_views(images=4)):
        covariance = moved_covariance(covariance, views[0])
        ours = outcome(lambda first, second: TiCoLoss()(first, second, covariance), views)  # noqa: B023
        torch.testing.assert_close(ours, outcome(theirs, views))


def test_rho_must_not_be_negative() -> None:
    with pytest.raises(ValueError, match="rho: expected a number at least 0 and finite, got -1"):
        TiCoLoss(rho=-1.0)
