import torch
from torch import Tensor

from csl.losses import ExemplarLoss
from tests.losses.parity import assert_it_is, random_views
from tests.two_processes import TwoProcesses

CLASSES = torch.tensor([4, -1, 0, 0, -1, 2])


class SixTenths(ExemplarLoss):
    def forward(self, logits: Tensor, classes: Tensor, share: float = 0.6) -> Tensor:
        return super().forward(logits, classes, share)


def _reference(logits: Tensor, classes: Tensor) -> Tensor:
    kept = [-(row[c].exp() / row.exp().sum()).log() for row, c in zip(logits, classes, strict=True) if c >= 0]
    return torch.stack(kept).sum() / (len(logits) * 0.6)


def test_value_and_gradient_are_those_of_the_formula(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, SixTenths(), two_processes, random_views(count=1), CLASSES)


def test_where_no_image_counts_it_is_zero() -> None:
    logits = torch.ones(2, 3, requires_grad=True)
    loss = ExemplarLoss()(logits, torch.tensor([-1, -1]), 0.5)
    loss.backward()
    assert loss == 0
    assert logits.grad is not None
    assert not logits.grad.any()
