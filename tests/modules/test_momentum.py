import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import SwinTransformer
from torchvision.ops import StochasticDepth

from csl.encoders import ViT
from csl.modules import momentum_at, momentum_copy, update_momentum


def _original() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


def _disturb(module: nn.Module) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))


def test_update_is_an_exponential_moving_average() -> None:
    original = _original()
    copy = momentum_copy(original)
    expected = [p.detach().double() for p in copy.parameters()]
    for momentum in (0.9, 0.99, 0.5):
        _disturb(original)
        update_momentum(copy, original, momentum)
        theta = original.parameters()
        expected = [momentum * xi + (1 - momentum) * t.double() for xi, t in zip(expected, theta, strict=True)]
    for xi, value in zip(copy.parameters(), expected, strict=True):
        torch.testing.assert_close(xi.double(), value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("momentum", "follows"), [(1.0, False), (0.0, True)])
def test_ends_of_the_momentum(momentum: float, follows: bool) -> None:
    original = _original()
    copy = momentum_copy(original)
    before = copy.state_dict()["0.weight"].clone()
    _disturb(original)
    update_momentum(copy, original, momentum)
    reference = original.state_dict()["0.weight"] if follows else before
    torch.testing.assert_close(copy.state_dict()["0.weight"], reference, rtol=0, atol=0)


def test_statistics_are_the_copys_own() -> None:
    original = _original()
    copy = momentum_copy(original)
    inputs = torch.randn(8, 3)
    original(inputs * 5)
    update_momentum(copy, original, 0.0)
    norm = copy[1]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert float(norm.running_mean.abs().max()) == 0.0
    expected = copy[0](inputs).mean(dim=0) * 0.1
    copy(inputs)
    torch.testing.assert_close(norm.running_mean, expected)


def test_no_parameter_is_trained_and_no_graph_is_made() -> None:
    copy = momentum_copy(_original())
    assert not copy(torch.randn(4, 3)).requires_grad


def test_copy_is_independent_and_in_the_parents_state() -> None:
    class Parent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = _original()
            self.momentum_encoder = momentum_copy(self.encoder)

    parent = Parent().eval()
    assert not parent.momentum_encoder[1].training
    _disturb(parent.encoder)
    states = (module.state_dict()["0.weight"] for module in (parent.encoder, parent.momentum_encoder))
    assert not torch.equal(*states)
    assert "momentum_encoder.0.weight" in parent.state_dict()


class FixedPower(nn.Module):
    """A layer whose `p` is no share of what is dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.p = 3.0

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.abs() ** self.p


@pytest.mark.parametrize(
    "dropping",
    [
        ViT(8, 4, depth=2, heads=2, width=16, mlp_width=32, dropout=0.5),
        SwinTransformer([2, 2], 8, [2], [1], [4, 4], dropout=0.5, attention_dropout=0.5, num_classes=4),
        StochasticDepth(0.5, "row"),
        nn.TransformerEncoderLayer(8, 2, 8, dropout=0.5),
    ],
    ids=lambda module: type(module).__name__,
)
def test_a_copy_drops_nothing_in_training(dropping: nn.Module) -> None:
    torch.manual_seed(0)
    is_network = isinstance(dropping, ViT | SwinTransformer)
    _check_copy_drops_nothing(dropping, torch.randn(4, 3, 8, 8) if is_network else torch.randn(16, 5, 8))


def test_a_copy_has_none_of_timms_drop_path() -> None:
    torch.manual_seed(0)
    _check_copy_drops_nothing(pytest.importorskip("timm.layers").DropPath(0.5), torch.randn(16, 5, 8))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("test_vit", {"patch_drop_rate": 0.5, "num_classes": 0}),
        ("test_efficientnet", {"drop_rate": 0.5}),
        ("test_resnet", {"drop_rate": 0.5, "drop_block_rate": 0.3}),
    ],
)
def test_a_copy_of_timms_models_drops_nothing(name: str, options: dict[str, Any]) -> None:
    torch.manual_seed(0)
    original = pytest.importorskip("timm").create_model(name, **options).train()
    copy, images = momentum_copy(original), torch.randn(4, 3, original.default_cfg["input_size"][1], 160)
    assert not torch.equal(original(images), original(images))
    torch.testing.assert_close(copy(images), copy(images), rtol=1e-4, atol=1e-4)


def _check_copy_drops_nothing(dropping: nn.Module, inputs: Tensor) -> None:
    original = nn.Sequential(dropping, FixedPower()).train()
    copy = momentum_copy(original)
    assert not torch.equal(original(inputs), original(inputs))
    torch.testing.assert_close(copy(inputs), copy(inputs), rtol=0, atol=0)
    torch.testing.assert_close(copy(inputs), original.eval()(inputs), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("momentum", [-0.1, 1.1, math.nan])
def test_momentum_out_of_range_is_named(momentum: float) -> None:
    original = _original()
    with pytest.raises(ValueError, match=f"momentum: expected a number from 0 to 1, got {momentum}"):
        update_momentum(momentum_copy(original), original, momentum)


@pytest.mark.parametrize("other", [nn.Linear(3, 4), nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5))])
def test_another_module_is_refused(other: nn.Module) -> None:
    with pytest.raises(ValueError, match="original: expected the module that was copied"):
        update_momentum(momentum_copy(_original()), other, 0.9)


def test_cosine_of_the_momentum() -> None:
    values = [momentum_at(step, 11, 0.9) for step in range(12)]
    expected = [1 - 0.1 * (math.cos(math.pi * step / 10) + 1) / 2 for step in range(11)]
    assert values == pytest.approx([*expected, 1.0])


def test_a_weight_normed_head_is_copied_and_follows() -> None:
    head = torch.nn.utils.weight_norm(nn.Linear(3, 4))
    copy = momentum_copy(head)
    _disturb(head)
    update_momentum(copy, head, 0.0)
    inputs = torch.randn(2, 3)
    torch.testing.assert_close(copy(inputs), head(inputs))
    assert not copy(inputs).requires_grad
