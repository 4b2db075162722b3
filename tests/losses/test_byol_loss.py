import torch
from lightly.loss.negative_cosine_similarity import NegativeCosineSimilarity
from torch.nn.functional import normalize

from csl.losses import BYOLLoss


def test_value_and_gradient_are_the_squared_distance_of_unit_vectors() -> None:
    generator = torch.Generator().manual_seed(0)
    predictions, targets = torch.randn(2, 5, 4, dtype=torch.float64, generator=generator)
    predictions.requires_grad_()
    loss = BYOLLoss()(predictions, targets)
    expected = (normalize(predictions, dim=1) - normalize(targets, dim=1)).square().sum(dim=1).mean()
    torch.testing.assert_close(loss, expected)
    (ours,), (theirs,) = (torch.autograd.grad(value, predictions) for value in (loss, expected))
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(loss, 2 + 2 * NegativeCosineSimilarity()(predictions, targets))
