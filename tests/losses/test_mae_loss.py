import torch
from torch import Tensor

from csl.losses import MAELoss
from tests.losses.parity import assert_it_is, random_views
from tests.two_processes import TwoProcesses

PATCHES = 3 + 0.1 * random_views(count=6, images=3, dim=5)


def _reference(predictions: Tensor, patches: Tensor) -> Tensor:
    errors = []
    for guesses, hidden in zip(predictions, patches, strict=True):
        for guess, patch in zip(guesses, hidden, strict=True):
            mean = patch.sum() / 5
            variance = sum((pixel - mean) ** 2 for pixel in patch) / 4
            errors += [
                (x - (pixel - mean) / (variance + 1e-6) ** 0.5) ** 2 for x, pixel in zip(guess, patch, strict=True)
            ]
    return torch.stack(errors).mean()


class _OfRows(MAELoss):
    """Predictions of several patches as `[B, M * P]`, which the tests of parity know how to share."""

    def forward(self, predictions: Tensor, patches: Tensor) -> Tensor:
        return super().forward(predictions.view(-1, 3, 5), patches)


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    predictions = random_views(count=1, images=6, dim=15)
    assert_it_is(lambda x, y: _reference(x.view(-1, 3, 5), y), _OfRows(), two_processes, predictions, PATCHES)


def test_an_even_patch_is_no_error() -> None:
    assert MAELoss()(torch.zeros(1, 1, 4), torch.ones(1, 1, 4)) == 0
