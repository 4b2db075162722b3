import sys
from functools import partial
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

    def __init__(self, drawn: Tensor | None = None) -> None:
        super().__init__()
        self.loss, self.drawn = CPCLoss(SCALE), drawn

    def forward(self, *rows: Tensor) -> Any:
        return self.loss(torch.stack(rows[:2], dim=1), torch.stack(rows[2:], dim=1), PLACES, self.drawn)


def _reference(*rows: Tensor, drawn: Tensor | None = None) -> Tensor:
    predictions, targets = rows[:2], rows[2:]
    patches = [(image, place) for image in range(len(rows[0])) for place in range(len(targets))]
    compared = patches if drawn is None else [patches[number] for number in drawn.tolist()]
    terms = []
    for image in range(len(rows[0])):
        for prediction, place in zip(predictions, PLACES.tolist(), strict=True):
            among = {*compared, (image, place)}
            everyone = torch.stack([(SCALE * targets[q][j] @ prediction[image]).exp() for j, q in among]).sum()
            terms.append(-((SCALE * targets[place][image] @ prediction[image]).exp() / everyone).log())
    return torch.stack(terms).mean()


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, _OfPatches(), two_processes, random_views(count=6))


# Two of them, 19 and 12, are what is to be found: patch 3 of image 4 and patch 0 of image 3.
DRAWN = torch.tensor([19, 1, 12, 6, 21])


def test_each_patch_is_found_among_those_that_were_drawn_and_itself(two_processes: TwoProcesses) -> None:
    assert_it_is(partial(_reference, drawn=DRAWN), _OfPatches(DRAWN), two_processes, random_views(count=6))


def test_all_drawn_is_all() -> None:
    views = random_views(count=6)
    every = _OfPatches(torch.randperm(24, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(outcome(every, views), outcome(_OfPatches(), views), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("drawn", [None, DRAWN])
@pytest.mark.parametrize("largest", [1, 25, 120])  # one image at a time, and some
def test_in_pieces_it_is_the_same(drawn: Tensor | None, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    views = random_views(count=6)
    expected = outcome(_OfPatches(drawn), views)
    monkeypatch.setattr(MODULE, "LARGEST_PIECE", largest)
    torch.testing.assert_close(outcome(_OfPatches(drawn), views), expected, rtol=1e-12, atol=1e-14)


def test_pieces_are_not_all_kept_for_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "LARGEST_PIECE", 1)
    kept: list[int] = []
    predictions, targets = (torch.randn(6, count, 1, requires_grad=True) for count in (2, 40))
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t):  # type: ignore[func-returns-value]
        cpc_loss(predictions, targets, PLACES)
    assert max(kept) <= targets.numel() < 2 * 6 * 40, "no logits, of which each image has 480"


def test_scale_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"scale: expected a number above 0 and finite, got 0\.0"):
        CPCLoss(0.0)
