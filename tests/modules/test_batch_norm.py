from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from csl import distributed
from csl.modules import SynchronizedBatchNorm, synchronize_batch_norm
from tests.two_processes import TwoProcesses

Result = tuple[list[Tensor], Tensor, list[Tensor], dict[str, Tensor]]


def _net(momentum: float | None = 0.1, affine: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(2, 4, 3),
        nn.BatchNorm2d(4, momentum=momentum, affine=affine),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 5),
        nn.BatchNorm1d(5, momentum=momentum, affine=affine),
    ).double()


def _steps(net: nn.Module, images: Tensor) -> Result:
    """Two forward passes (running statistics move twice), then gradients of a sum over samples."""
    net(images * 0.5)
    images = images.clone().requires_grad_()
    out = net(images)
    (out.sin() * torch.arange(1.0, 6.0)).sum().backward()
    assert images.grad is not None
    return [out.detach()], images.grad, [p.grad for p in net.parameters() if p.grad is not None], net.state_dict()


def _two_process_steps(images: Tensor, sizes: list[int], momentum: float | None, affine: bool) -> Result:
    group = distributed.world()
    rows = torch.split(images, sizes)[distributed.rank(group)]
    net = synchronize_batch_norm(_net(momentum, affine))
    outs, images_grad, grads, state = _steps(net, rows)
    summed = [distributed.all_reduce(grad, group) for grad in grads]
    return [distributed.gather_rows(outs[0], group)], distributed.gather_rows(images_grad, group), summed, state


@pytest.mark.parametrize("sizes", [[3, 3], [5, 1], [1, 5], [6, 0]])
@pytest.mark.parametrize(("momentum", "affine"), [(0.1, True), (None, False)])
def test_two_processes_equal_one(
    two_processes: TwoProcesses, sizes: list[int], momentum: float | None, affine: bool
) -> None:
    images = torch.randn(6, 2, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 3
    expected = _steps(_net(momentum, affine), images)
    for result in two_processes(_two_process_steps, images, sizes, momentum, affine):
        torch.testing.assert_close(result, expected, rtol=1e-10, atol=1e-10)


def _far_from_zero(values: Tensor) -> Tensor:
    group = distributed.world()
    norm = SynchronizedBatchNorm(1)
    result: Tensor = norm(values[distributed.shard(len(values), group)])
    return result.detach()


def test_large_mean_keeps_its_digits(two_processes: TwoProcesses) -> None:
    values = 4096 + torch.randn(64, 1, generator=torch.Generator().manual_seed(0))
    exact = (values.double() - values.double().mean()) / (values.double().var(correction=0) + 1e-5).sqrt()
    result = torch.cat(two_processes(_far_from_zero, values))
    torch.testing.assert_close(result.double(), exact, rtol=0, atol=1e-3)


def _one_value(_: int) -> str:
    rows = 1 - distributed.rank(distributed.world())
    try:
        SynchronizedBatchNorm(3)(torch.zeros(rows, 3))
    except ValueError as error:
        return str(error)
    return "no error"


def test_one_value_per_channel_is_refused_everywhere(two_processes: TwoProcesses) -> None:
    assert all("more than 1 value per channel" in text for text in two_processes(_one_value, 0))


def _own_group_is_alone(values: Tensor) -> bool:
    """In evaluation nobody waits: only rank 0 calls."""
    if distributed.rank(distributed.world()) == 1:
        return True
    norm = SynchronizedBatchNorm(3, track_running_stats=False).eval()
    return bool(torch.allclose(norm(values), nn.BatchNorm1d(3, track_running_stats=False)(values)))


def test_evaluation_is_local(two_processes: TwoProcesses) -> None:
    assert two_processes(_own_group_is_alone, torch.randn(4, 3)) == [True, True]


def test_conversion_keeps_tensors_keys_and_mode() -> None:
    net = _net().eval()
    before = net.state_dict(keep_vars=True)
    converted = synchronize_batch_norm(net)
    after = converted.state_dict(keep_vars=True)
    assert converted is net
    assert list(after) == list(before)
    assert all(after[key] is before[key] for key in before)
    assert not any(module.training for module in converted.modules())
    assert sum(isinstance(module, SynchronizedBatchNorm) for module in converted.modules()) == 2


@pytest.mark.parametrize("train", [True, False])
def test_one_process_is_plain_batch_norm(train: bool) -> None:
    plain = _net().train(train)
    converted = synchronize_batch_norm(deepcopy(plain))
    images = torch.randn(6, 2, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(converted(images), plain(images), rtol=0, atol=0)
    torch.testing.assert_close(converted.state_dict(), plain.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("train", [True, False])
def test_has_all_that_torchs_forward_asks_for(train: bool) -> None:
    norm = SynchronizedBatchNorm(3).train(train)
    values = torch.randn(4, 3, 2)
    expected = deepcopy(norm)(values)
    torch.testing.assert_close(nn.SyncBatchNorm.forward(norm, values), expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(3,), (2, 4)])
def test_wrong_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"input: expected shape \[N, 3, ...\], got"):
        SynchronizedBatchNorm(3)(torch.zeros(shape))


def test_root_module_is_converted_and_twice_is_once() -> None:
    once = synchronize_batch_norm(nn.BatchNorm1d(3))
    assert isinstance(once, SynchronizedBatchNorm)
    assert synchronize_batch_norm(once) is once


def test_timm_norm_keeps_its_activation() -> None:
    layers = pytest.importorskip("timm.layers")
    old = layers.BatchNormAct2d(3)
    values = torch.randn(4, 3, 2, 2)
    expected = deepcopy(old)(values)
    new = synchronize_batch_norm(old)
    assert isinstance(new, SynchronizedBatchNorm)
    assert (expected >= 0).all()
    torch.testing.assert_close(new(values), expected)


class _Unknown(nn.BatchNorm1d):
    pass


def test_unknown_norm_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="_Unknown"):
        synchronize_batch_norm(nn.Sequential(_Unknown(3)))


def test_half_precision_keeps_its_type() -> None:
    assert SynchronizedBatchNorm(3)(torch.randn(4, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16


Rounded = tuple[Tensor, Tensor, Tensor]


def _rounded(images: Tensor, dtype: torch.dtype, mixed: bool) -> Rounded:
    """Output, gradient and running mean of half-precision images with channels last."""
    group = distributed.world()
    own = images[distributed.shard(len(images), group)].to(memory_format=torch.channels_last).requires_grad_()
    norm = SynchronizedBatchNorm(3).to(torch.float32 if mixed else dtype)
    out = norm(own)
    assert out.dtype == dtype
    assert out.is_contiguous(memory_format=torch.channels_last)
    (out.float().sin() * 3).sum().backward()
    assert own.grad is not None
    assert norm.running_mean is not None
    assert norm.weight.grad is not None
    gathered = [distributed.gather_rows(values.float(), group) for values in (out, own.grad)]
    return gathered[0], gathered[1], norm.running_mean.float()


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_far_from_zero(two_processes: TwoProcesses, dtype: torch.dtype, mixed: bool) -> None:
    """Statistics and gradients lose no more digits than the input and the output have."""
    images = (torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0)) + 30).to(dtype)
    exact = images.double().requires_grad_()
    norm = nn.BatchNorm2d(3).double()
    expected = norm(exact)
    (expected.sin() * 3).sum().backward()
    assert exact.grad is not None
    rounding = torch.finfo(dtype).eps
    for out, gradient, running in two_processes(_rounded, images, dtype, mixed):
        torch.testing.assert_close(out.double(), expected.detach(), rtol=rounding, atol=rounding)
        error = (gradient.double() - exact.grad).norm() / exact.grad.norm()
        assert error < 2 * rounding
        assert norm.running_mean is not None
        torch.testing.assert_close(
            running.double(), norm.running_mean, rtol=1e-6 if mixed else rounding, atol=0, check_dtype=False
        )
