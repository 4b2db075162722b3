import torch
from lightly.loss.negative_cosine_similarity import NegativeCosineSimilarity
from torch import Tensor

from csl.losses import SimSiamLoss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses


def _reference(predictions: Tensor, targets: Tensor) -> Tensor:
    cosines = [(p @ t.detach()) / (p.norm() * t.detach().norm()) for p, t in zip(predictions, targets, strict=True)]
    return -torch.stack(cosines).mean() + 0 * targets.sum()


class _Both(SimSiamLoss):
    def forward(self, predictions: Tensor, targets: Tensor) -> Tensor:
        return super().forward(predictions, targets) + 0 * targets.sum()  # so that targets have a gradient: of zeros


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, _Both(), two_processes, random_views())


def test_value_is_lightlys() -> None:
    first, second = random_views()
    torch.testing.assert_close(SimSiamLoss()(first, second), NegativeCosineSimilarity()(first, second))


def test_targets_get_no_gradient() -> None:
    _, (predictions, targets) = outcome(_Both(), random_views())
    assert predictions.abs().sum() > 0
    assert not targets.any()
