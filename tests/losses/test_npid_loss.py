import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import shard, world
from csl.losses import NPIDLoss, npid_loss, npid_normalizer, npid_proximity, npid_sampled_loss
from tests.losses.parity import outcome, random_views
from tests.losses.rows import random
from tests.two_processes import TwoProcesses

FEATURES = random_views(count=1)
BANK = normalize(random(9, 5, seed=3), dim=1)
INDEX = torch.tensor([8, 0, 3, 1, 5, 2])
DRAWN = torch.tensor([4, 1, 1, 7])
Z = torch.tensor(11.0, dtype=torch.float64)


def _exact(features: Tensor) -> Tensor:
    v = features / features.norm(dim=1, keepdim=True)
    shares = [(v[i] @ BANK[k] / 0.3).exp() / sum((v[i] @ f / 0.3).exp() for f in BANK) for i, k in enumerate(INDEX)]
    return -torch.stack(shares).log().mean()


def _sampled(features: Tensor) -> Tensor:
    """Binary cross-entropies, probability by probability."""
    v, ratio = features / features.norm(dim=1, keepdim=True), len(DRAWN) / len(BANK)
    total = torch.zeros((), dtype=torch.float64)
    for i, k in enumerate(INDEX):
        own = (v[i] @ BANK[k] / 0.3).exp() / Z
        total = total - (own / (own + ratio)).log()
        for j in DRAWN:
            other = (v[i] @ BANK[j] / 0.3).exp() / Z
            total = total - (1 - other / (other + ratio)).log()
    return total / len(INDEX)


def test_value_and_gradient_are_the_papers() -> None:
    found = outcome(lambda rows: NPIDLoss(0.3)(rows, BANK, INDEX), FEATURES)
    torch.testing.assert_close(found, outcome(_exact, FEATURES), rtol=1e-10, atol=1e-12)


def test_value_and_gradient_of_the_proximal_term_are_the_papers() -> None:
    def reference(features: Tensor) -> Tensor:
        v = features / features.norm(dim=1, keepdim=True)
        return torch.stack([((v[i] - BANK[k]) ** 2).sum() for i, k in enumerate(INDEX)]).mean()

    found = outcome(lambda rows: npid_proximity(rows, BANK, INDEX), FEATURES)
    torch.testing.assert_close(found, outcome(reference, FEATURES), rtol=1e-10, atol=1e-12)


def test_value_and_gradient_of_the_sampled_loss_are_the_papers() -> None:
    found = outcome(lambda rows: npid_sampled_loss(rows, BANK, INDEX, DRAWN, Z, 0.3), FEATURES)
    torch.testing.assert_close(found, outcome(_sampled, FEATURES), rtol=1e-10, atol=1e-12)


def test_many_draws_and_the_right_normaliser_lead_where_the_exact_softmax_leads() -> None:
    """With all entries drawn often and Z exact, the noise-contrastive gradient tends to the softmax's."""
    everything = torch.arange(9).repeat(2000)
    row, own = FEATURES[:, :1], INDEX[:1]
    z = (normalize(row[0], dim=1) @ BANK.T / 0.3).exp().sum()
    sampled = outcome(lambda rows: npid_sampled_loss(rows, BANK, own, everything, z, 0.3), row)[1]
    torch.testing.assert_close(
        sampled, outcome(lambda rows: npid_loss(rows, BANK, own, 0.3), row)[1], rtol=1e-3, atol=0
    )


def _of_this_process() -> Tensor:
    own = shard(6, world())
    return npid_normalizer(FEATURES[0, own], BANK, DRAWN, 0.3, world())


def test_the_normaliser_is_that_of_all_processes(two_processes: TwoProcesses) -> None:
    v = FEATURES[0] / FEATURES[0].norm(dim=1, keepdim=True)
    expected = 9 * torch.stack([(row @ BANK[j] / 0.3).exp() for row in v for j in DRAWN]).mean()
    for found in [_of_this_process(), *two_processes(_of_this_process)]:
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("temperature", [0.0, math.nan])
def test_temperature_must_be_positive(temperature: float) -> None:
    with pytest.raises(ValueError, match=f"temperature: expected a positive number, got {temperature}"):
        NPIDLoss(temperature)
