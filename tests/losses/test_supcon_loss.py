import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.losses import SupConLoss, nt_xent_loss
from tests.losses.parity import assert_it_is, outcome, random_views
from tests.two_processes import TwoProcesses

LABELS = torch.tensor([0, 1, 0, -1, -1, 0, 1, 7])  # 7 is alone, -1 is unlabelled


def _reference(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    views, images = normalize(torch.cat([first, second]), dim=1), len(first)
    classes = [label if label >= 0 else f"image {i}" for i, label in enumerate(labels.tolist())] * 2
    total = torch.zeros((), dtype=first.dtype)
    for i in range(2 * images):
        others = [j for j in range(2 * images) if j != i]
        everything = torch.stack([(views[i] @ views[j] / 0.3).exp() for j in others]).sum()
        positives = [(views[i] @ views[j] / 0.3).exp() for j in others if classes[j] == classes[i]]
        total = total - (torch.stack(positives) / everything).log().mean()
    return total / (2 * images)


def test_value_and_gradient_are_the_papers(two_processes: TwoProcesses) -> None:
    assert_it_is(_reference, SupConLoss(temperature=0.3), two_processes, random_views(images=8), LABELS)


def test_without_labels_it_is_nt_xent() -> None:
    views, labels = random_views(), torch.full((6,), -1)
    expected = outcome(nt_xent_loss, views)
    torch.testing.assert_close(outcome(SupConLoss(temperature=0.2), views, labels), expected)


@pytest.mark.parametrize("temperature", [0.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        SupConLoss(temperature)
