import sys
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from csl.losses import CPCLoss, cpc_loss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses

MODULE = sys.modules["csl.losses.cpc_loss"]  # whose name in its package is the function's
PLACES = torch.tensor([3, 0])
SCALE = 0.4


class _OfPatches(nn.Module):
    """The loss of two predictions and four patches of each image, as six views `[B, D]`."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = CPCLoss(SCALE)

    def forward(self, *rows: Tensor) -> Any:
        return self.loss(torch.stack(rows[:2], dim=1), torch.stack(rows[2:], dim=1), PLACES)


def _reference(*rows: Tensor) -> Tensor:
    predictions, targets = rows[:2], rows[2:]
    terms = []
    for image in range(len(rows[0])):
        for prediction, place in zip(predictions, PLACES.tolist(), strict=True):
            everyone = sum((SCALE * patch @ prediction[image]).exp().sum() for patch in targets)
            terms.append(-((SCALE * targets[place][image] @ prediction[image]).exp() / everyone).log())
    return torch.stack(terms).mean()


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, _OfPatches(), two_processes, random_views(count=6))


@pytest.mark.parametrize("largest", [1, 120])  # one image at a time, and two and a half
def test_in_pieces_it_is_the_same(largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    views = random_views(count=6)
    expected = outcome(_OfPatches(), views)
    monkeypatch.setattr(MODULE, "LARGEST_PIECE", largest)
    torch.testing.assert_close(outcome(_OfPatches(), views), expected, rtol=1e-12, atol=1e-14)


def test_pieces_are_not_all_kept_for_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "LARGEST_PIECE", 1)
    kept: list[int] = []
    predictions, targets = (torch.randn(6, count, 1, requires_grad=True) for count in (2, 40))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):  # type: ignore[func-returns-value]
        cpc_loss(predictions, targets, PLACES)
    assert max(kept) == targets.numel() < 2 * 6 * 40, "no logits, of which each image has 480"


def test_scale_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"scale: expected a number above 0 and finite, got 0\.0"):
        CPCLoss(0.0)
