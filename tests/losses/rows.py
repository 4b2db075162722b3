"""What a loss and its gradients are on one process and on several."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from csl import distributed
from tests.two_processes import TwoProcesses

Loss = Callable[..., Tensor]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def loss_and_gradients(loss: Loss, *inputs: Tensor) -> list[Tensor]:
    """The mean of all processes' losses, and of their gradients for all rows, of inputs `[..., N, D]`."""
    group = distributed.world()
    rows = [values[..., distributed.shard(values.shape[-2], group), :].clone().requires_grad_() for values in inputs]
    value = loss(*rows)
    value.backward()  # type: ignore[no-untyped-call]
    share = 1 / distributed.size(group)
    gradients = [torch.zeros_like(part) if part.grad is None else part.grad * share for part in rows]
    gathered = [distributed.gather_rows(part.movedim(-2, 0), group).movedim(0, -2) for part in gradients]
    return [distributed.all_reduce(value.detach(), group) * share, *gathered]


def assert_same(loss: Loss, reference: Loss, *inputs: Tensor, tolerance: float = 1e-10) -> None:
    """A loss and its gradients equal an independent one's."""
    found, expected = loss_and_gradients(loss, *inputs), loss_and_gradients(reference, *inputs)
    assert any(gradient.abs().sum() > 0 for gradient in expected[1:])
    torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)


def assert_parity(two_processes: TwoProcesses, loss: Any, *inputs: Tensor, tolerance: float = 1e-10) -> None:
    """Two processes with half the rows each compute what one does with all of them."""
    expected = loss_and_gradients(loss, *inputs)
    for result in two_processes(loss_and_gradients, loss, *inputs):
        torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)
