import math

import pytest
import torch
from torch import nn

from csl.modules import MomentumCopy, momentum_at


def _original() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def _disturb(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))


def test_update_is_an_exponential_moving_average() -> None:
    encoder, head = _original(), nn.Linear(4, 2)
    copy = MomentumCopy(encoder, head)
    expected = [p.detach().double() for p in copy.parameters()]
    for momentum in (0.9, 0.99, 0.5):
        _disturb(encoder)
        _disturb(head)
        copy.update(encoder, head, momentum=momentum)
        theta = [*encoder.parameters(), *head.parameters()]
        expected = [momentum * xi + (1 - momentum) * t.double() for xi, t in zip(expected, theta, strict=True)]
    for xi, value in zip(copy.parameters(), expected, strict=True):
        torch.testing.assert_close(xi.double(), value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("momentum", "follows"), [(1.0, False), (0.0, True)])
def test_ends_of_the_momentum(momentum: float, follows: bool) -> None:
    original = _original()
    copy = MomentumCopy(original)
    before = copy.copies[0].state_dict()["0.weight"].clone()
    _disturb(original)
    copy.update(original, momentum=momentum)
    reference = original.state_dict()["0.weight"] if follows else before
    torch.testing.assert_close(copy.copies[0].state_dict()["0.weight"], reference, rtol=0, atol=0)


def test_statistics_are_the_copys_own() -> None:
    original = _original()
    copy = MomentumCopy(original)
    inputs = torch.randn(8, 3)
    original(inputs * 5)
    copy.update(original, momentum=0.0)
    norm = copy.copies[0].get_submodule("1")
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert float(norm.running_mean.abs().max()) == 0.0
    expected = copy.copies[0].get_submodule("0")(inputs).mean(dim=0) * 0.1
    copy(inputs)
    torch.testing.assert_close(norm.running_mean, expected)


def test_mode_follows_the_parent() -> None:
    parent = nn.ModuleDict({"momentum": MomentumCopy(_original())})
    assert all(module.training for module in parent.modules())
    parent.eval()
    assert not any(module.training for module in parent.modules())


def test_no_gradient_flows() -> None:
    copy = MomentumCopy(_original())
    assert not any(p.requires_grad for p in copy.parameters())
    assert not copy(torch.randn(4, 3, requires_grad=True)).requires_grad


def test_original_stays_trainable() -> None:
    original = _original()
    MomentumCopy(original)
    assert all(p.requires_grad for p in original.parameters())


def test_other_modules_are_refused() -> None:
    copy = MomentumCopy(_original())
    with pytest.raises(ValueError, match="modules"):
        copy.update(nn.Linear(3, 4), momentum=0.5)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, math.nan])
def test_momentum_out_of_range_is_refused(momentum: float) -> None:
    original = _original()
    with pytest.raises(ValueError, match="momentum: expected a number from 0 to 1"):
        MomentumCopy(original).update(original, momentum=momentum)


def test_state_dict_round_trip() -> None:
    copy, other = MomentumCopy(_original()), MomentumCopy(_original())
    _disturb(copy)
    other.load_state_dict(copy.state_dict())
    torch.testing.assert_close(other.state_dict(), copy.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("max_steps", [2, 7, 100])
def test_schedule_is_half_a_cosine(max_steps: int) -> None:
    for step in range(max_steps):
        expected = 1 - (1 - 0.99) * (math.cos(math.pi * step / (max_steps - 1)) + 1) / 2
        assert momentum_at(step, max_steps, 0.99) == pytest.approx(expected, abs=1e-12)


def test_schedule_stays_at_its_end() -> None:
    assert momentum_at(50, 10, 0.99, 0.999) == 0.999
