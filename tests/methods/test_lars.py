import copy
from typing import Any

import pytest
import torch
from lightly.utils.lars import LARS as LightlyLARS
from torch import Tensor, nn

from csl.methods.lars import LARS


def _problem() -> tuple[nn.ParameterList, list[list[Tensor]]]:
    generator = torch.Generator().manual_seed(0)
    shapes = [(3, 4), (5,), (2, 3, 2)]
    first, *others = (
        [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes] for _ in range(6)
    )
    return nn.ParameterList(first), others


def _train(optimizer: Any, parameters: nn.ParameterList, gradients: list[list[Tensor]]) -> list[Tensor]:
    for step in gradients:
        for parameter, gradient in zip(parameters, step, strict=True):
            parameter.grad = gradient.clone()
        optimizer.step()
    return [parameter.detach() for parameter in parameters]


def _groups(parameters: nn.ParameterList, decay: float, **plain: Any) -> list[dict[str, Any]]:
    matrices, vectors = [p for p in parameters if p.ndim > 1], [p for p in parameters if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": decay}, {"params": vectors, "weight_decay": 0.0, **plain}]


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("trust", [0.001, 0.5])
def test_steps_follow_the_formula(clip: bool, decay: float, trust: float) -> None:
    parameters, gradients = _problem()
    lr, momentum = 0.2, 0.9
    expected = [p.detach().clone() for p in parameters]
    velocity = [torch.zeros_like(p) for p in expected]
    for step in gradients:
        for i, gradient in enumerate(step):
            weight = expected[i]
            if weight.ndim > 1:
                scale = trust * weight.norm() / (gradient.norm() + decay * weight.norm())
                scale = min(scale / lr, 1.0) if clip else scale
                gradient = scale * (gradient + decay * weight)
            velocity[i] = momentum * velocity[i] + gradient
            expected[i] = weight - lr * velocity[i]
    optimizer = LARS(_groups(parameters, decay, adapt=False), lr, momentum, trust_coefficient=trust, clip=clip)
    torch.testing.assert_close(_train(optimizer, parameters, gradients), expected, rtol=1e-12, atol=1e-12)


def test_without_clipping_it_is_lightlys() -> None:
    parameters, gradients = _problem()
    others = copy.deepcopy(parameters)
    ours = _train(LARS(_groups(parameters, 0.01, adapt=False), 0.2, 0.9), parameters, gradients)
    theirs = _train(LightlyLARS(_groups(others, 0.01), 0.2, 0.9, eps=0.0), others, gradients)
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("clip", [False, True])
def test_its_steps_are_timms(clip: bool) -> None:
    timm = pytest.importorskip("timm.optim")
    parameters, gradients = _problem()
    others = copy.deepcopy(parameters)
    generator = torch.Generator().manual_seed(1)
    gradients += [[torch.randn(g.shape, generator=generator).double() for g in gradients[0]] for _ in range(15)]
    plain = LARS(_groups(parameters, 0.01, adapt=False), 0.4, 0.9, trust_coefficient=0.02, clip=clip)
    groups = _groups(others, 0.01, always_adapt=False)
    options = {"trust_coeff": 0.02, "trust_clip": clip, "always_adapt": True, "eps": 0}
    ours = _train(plain, parameters, gradients)
    theirs = _train(timm.Lars(groups, 0.4, 0.9, **options), others, gradients)
    assert len(gradients) == 20
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


def test_clipped_steps_are_never_larger_than_sgds() -> None:
    parameters, gradients = _problem()
    others = copy.deepcopy(parameters)
    ours = _train(LARS(parameters, 0.2, 0.0, trust_coefficient=1e9, clip=True), parameters, gradients)
    sgd = _train(torch.optim.SGD(others, 0.2), others, gradients)
    torch.testing.assert_close(ours, sgd, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("clip", [False, True])
def test_zero_weights_and_zero_gradients_stay_finite(clip: bool) -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    optimizer = LARS([weight], 0.1, clip=clip)
    for gradient in (torch.ones(2, 2), torch.zeros(2, 2)):
        weight.grad = gradient
        optimizer.step()
    assert weight.isfinite().all()
    assert (weight != 0).all()


def test_a_learning_rate_of_zero_changes_nothing() -> None:
    parameters, gradients = _problem()
    before = [p.detach().clone() for p in parameters]
    after = _train(LARS(parameters, 0.0, clip=True), parameters, gradients)
    torch.testing.assert_close(after, before, rtol=0, atol=0)


def test_state_continues_after_a_round_trip() -> None:
    parameters, gradients = _problem()
    first = LARS(parameters, 0.2)
    _train(first, parameters, gradients[:2])
    others = copy.deepcopy(parameters)
    second = LARS(others, 0.2)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    torch.testing.assert_close(
        _train(second, others, gradients[2:]), _train(first, parameters, gradients[2:]), rtol=0, atol=0
    )


def test_closure_is_called_and_parameters_without_gradient_are_left() -> None:
    used, unused = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimizer = LARS([used, unused], 0.1)

    def closure() -> Tensor:
        loss = used.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    assert optimizer.step(closure) == 4.0
    assert not torch.equal(used, torch.ones(2, 2))
    torch.testing.assert_close(unused.data, torch.ones(2, 2), rtol=0, atol=0)
