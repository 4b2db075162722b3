"""A loss against a formula written out anew, on one process and on two, value and gradient."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from csl import distributed
from tests.two_processes import TwoProcesses

Outcome = tuple[Tensor, Tensor]


def random_views(count: int = 2, images: int = 6, dim: int = 5, dtype: torch.dtype = torch.float64) -> Tensor:
    """Views `[count, images, dim]` that are alike."""
    generator = torch.Generator().manual_seed(count * images + dim)
    common = torch.randn(images, dim, generator=generator, dtype=dtype)
    return common + 0.7 * torch.randn(count, images, dim, generator=generator, dtype=dtype)


def outcome(loss: Callable[..., Tensor], views: Tensor, *rest: Tensor) -> Outcome:
    """A loss of views `[V, B, D]` and of what else belongs to each image, and its gradient."""
    views = views.clone().requires_grad_()
    value = loss(*views, *rest)
    return value.detach(), torch.autograd.grad(value, views)[0]


def shared_outcome(loss: nn.Module, views: Tensor, *rest: Tensor) -> Outcome:
    """The same where each process has a share of the images: means over processes, as DDP takes them."""
    group = distributed.world()
    own = distributed.shard(views.shape[1], group)
    value, gradient = outcome(loss, views[:, own], *(part[own] for part in rest))
    count = distributed.size(group)
    rows = distributed.gather_rows(gradient.transpose(0, 1).contiguous(), group)
    return distributed.all_reduce(value, group) / count, rows.transpose(0, 1) / count


def assert_it_is(
    reference: Callable[..., Tensor], loss: nn.Module, two_processes: TwoProcesses, views: Tensor, *rest: Tensor
) -> None:
    """One process and two give the reference's value and gradient, to the digits of float64."""
    expected = outcome(reference, views, *rest)
    torch.testing.assert_close(outcome(loss, views, *rest), expected, rtol=1e-10, atol=1e-12)
    for found in two_processes(shared_outcome, loss, views, *rest):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
