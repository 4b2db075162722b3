import math
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from torch import nn

from csl.methods import (
    BYOL,
    DCL,
    MMCR,
    NNCLR,
    BarlowTwins,
    Method,
    MoCo,
    Optimization,
    SimCLR,
    SimSiam,
    SpectralContrastive,
    SupCon,
    Supervised,
    TiCo,
    VICReg,
)
from csl.methods.groups import Group, complete
from csl.methods.lars import LARS


def _groups(net: nn.Module) -> list[Group]:
    return complete([], net)


def _net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2)).requires_grad_()


def _rates(optimization: Optimization, warmup_steps: int, max_steps: int, global_batch: int) -> list[float]:
    optimizer = optimization.build(_groups(_net()), global_batch)
    scheduler = optimization.schedule(optimizer, warmup_steps, max_steps)
    rates = []
    for _ in range(max_steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_rate_rises_linearly_and_falls_along_a_cosine_to_the_last_step() -> None:
    rates = _rates(Optimization("sgd", lr=0.4, final_lr=0.04), warmup_steps=4, max_steps=13, global_batch=512)
    expected = [0.8 * (step + 1) / 4 for step in range(4)]
    expected += [0.08 + 0.72 * (math.cos(math.pi * step / 8) + 1) / 2 for step in range(9)]
    assert rates == pytest.approx(expected)
    assert (rates[0], rates[3], rates[-1]) == pytest.approx((0.2, 0.8, 0.08))


@pytest.mark.parametrize(("warmup_steps", "max_steps"), [(0, 5), (5, 5), (100, 5), (0, 1), (1, 1)])
def test_extreme_lengths(warmup_steps: int, max_steps: int) -> None:
    rates = _rates(Optimization("sgd", lr=0.1), warmup_steps, max_steps, 256)
    assert all(0 <= rate <= 0.1 + 1e-12 for rate in rates)
    if warmup_steps:
        assert rates == pytest.approx([0.1 * (step + 1) / max_steps for step in range(max_steps)])


@pytest.mark.parametrize(("name", "kind"), [("lars", LARS), ("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)])
def test_biases_and_norms_are_left_alone(name: Any, kind: type[torch.optim.Optimizer]) -> None:
    net = _net()
    optimizer = Optimization(name, lr=1.0, weight_decay=0.3).build(_groups(net), 64)
    assert type(optimizer) is kind
    decayed, plain = optimizer.param_groups
    assert {p.ndim for p in decayed["params"]} == {2, 4}
    assert {p.ndim for p in plain["params"]} == {1}
    assert len(decayed["params"]) + len(plain["params"]) == len(list(net.parameters()))
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.3, 0.0)
    assert decayed["lr"] == plain["lr"] == 0.25
    assert decayed.get("adapt", True) is True
    assert plain.get("adapt", False) is False


def test_adamw_takes_momentum_as_its_first_beta() -> None:
    optimizer = Optimization("adamw", lr=1e-3, momentum=0.8).build(_groups(_net()), 256)
    assert optimizer.param_groups[0]["betas"] == (0.8, 0.999)


def test_frozen_parameters_are_left_out() -> None:
    net = _net()
    net[0].requires_grad_(False)  # type: ignore[index]
    optimizer = Optimization().build(_groups(net), 256)
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "adam"}, "optimizer: expected 'lars', 'sgd' or 'adamw', got 'adam'"),
        ({"lr": 0.0}, "lr: expected a number above 0 and finite, got 0.0"),
        ({"lr": math.nan}, "lr: expected a number above 0 and finite, got nan"),
        ({"lr": math.inf}, "lr: expected a number above 0 and finite, got inf"),
        ({"momentum": 1.0}, "momentum: expected a number at least 0 and below 1, got 1.0"),
        ({"weight_decay": -1.0}, "weight_decay: expected a number at least 0 and finite, got -1.0"),
        ({"warmup_epochs": -1}, "warmup_epochs: expected a number at least 0"),
        ({"final_lr": -1}, "final_lr: expected a number at least 0"),
        ({"trust_coefficient": 0}, "trust_coefficient: expected a number above 0"),
    ],
)
def test_wrong_values_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Optimization(**options)


def _parsed(*line: str) -> Any:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Method, "model")
    parsed = parser.parse_args([*line, "--model.encoder", "csl.encoders.ConvNet"])
    return parser.instantiate(parsed).model


RECIPES = {
    SimCLR: Optimization("lars", 0.4, 1e-4),
    MoCo: Optimization("sgd", 0.3, 1e-4),
    BYOL: Optimization("lars", 1.0, 1e-5),
    SimSiam: Optimization("sgd", 0.5, 1e-5),
    BarlowTwins: Optimization("lars", 0.3, 1e-4),
    VICReg: Optimization("lars", 0.3, 1e-4),
    SpectralContrastive: Optimization("sgd", 0.03, 5e-4),
    DCL: Optimization("lars", 0.4, 1e-4),
    SupCon: Optimization("sgd", 0.4, 1e-5),
    NNCLR: Optimization("lars", 0.4, 1e-5),
    TiCo: Optimization("lars", 0.3, 1e-4),
    MMCR: Optimization("adamw", 0.001, 1e-6),
}


@pytest.mark.parametrize("method", RECIPES)
def test_one_option_on_the_line_leaves_the_methods_other_defaults(method: type[Method]) -> None:
    recipe = RECIPES[method]
    assert _parsed("--model", method.__name__).optimization == recipe
    changed = _parsed("--model", method.__name__, "--model.optimization.lr", "0.7").optimization
    assert changed == Optimization(recipe.optimizer, 0.7, recipe.weight_decay)


def test_a_later_class_does_not_inherit_the_earlier_ones_defaults() -> None:
    assert _parsed("--model", "BYOL", "--model", "MoCo").optimization == RECIPES[MoCo]
    assert _parsed("--model", "MoCo", "--model", "SimCLR").optimization == RECIPES[SimCLR]


def test_file_changes_what_it_names_only(tmp_path: Any) -> None:
    path = tmp_path / "model.yaml"
    path.write_text("class_path: Supervised\ninit_args: {num_classes: 7, optimization: {weight_decay: 0.01}}\n")
    method = _parsed("--model", str(path))
    assert isinstance(method, Supervised)
    assert method.num_classes == 7
    assert method.optimization == Optimization("sgd", 0.1, 0.01)


@pytest.mark.parametrize("fused", [False, True])
def test_a_layer_that_is_frozen_at_first_can_be_trained_later(fused: bool) -> None:
    """torch's fused SGD fails where some velocities have begun and others have not."""
    frozen, trained = (torch.nn.Parameter(torch.ones(2, 2)) for _ in range(2))
    optimizer = Optimization("sgd", lr=1.0, weight_decay=0.0).build([Group("main", [frozen, trained])], 256, fused)
    trained.grad = torch.ones(2, 2)
    optimizer.step()
    frozen.grad = torch.ones(2, 2)
    optimizer.step()
    torch.testing.assert_close(frozen.data, torch.zeros(2, 2))
    torch.testing.assert_close(trained.data, torch.full((2, 2), 1 - 1.0 - 1.9))
