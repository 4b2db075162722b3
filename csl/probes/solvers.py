"""Training of a linear classifier on rows that several processes share, in two ways.

Every process has all of the weights and its own rows, and takes the same steps by sums over all of them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from csl.distributed import Group, Shard, all_reduce
from csl.probes.task import Samples

GRADIENT_TOLERANCE = 1e-6


class LinearFit(NamedTuple):
    """A trained linear classifier.

    Attributes:
        weight: `[C, D]`.
        bias: `[C]`.
        steps: Steps taken.
    """

    weight: Tensor
    bias: Tensor
    steps: int


def lbfgs(samples: Samples, num_classes: int, *, penalty: float, max_steps: int, group: Group = None) -> LinearFit:
    """Minimise `mean cross-entropy + penalty / (2 N) * ||W||^2` to its one minimum, by L-BFGS with line search.

    Stops where no entry of the gradient exceeds `GRADIENT_TOLERANCE`.
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Args:
        samples: This process's features `[n, D]`, float64, and their class numbers.
        num_classes: C.
        penalty: At least 0; the inverse of scikit-learn's `C`.
        max_steps: At most so many iterations.
        group: The processes that share the samples.
    """
    device = samples.values.device
    # L-BFGS takes hundreds of small steps between two gradients, each of which a GPU would have to be asked for.
    weight, bias = _zeros(samples.values, num_classes, torch.device("cpu"))
    total = Shard.of(len(samples.classes), group).total
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=max_steps,
        max_eval=2 * max_steps,
        tolerance_grad=GRADIENT_TOLERANCE,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        there = (part.detach().to(device).requires_grad_() for part in (weight, bias))
        found = _gradient(samples, *there, total=total, group=group)
        weight.grad, bias.grad = found.weight.cpu().add_(weight.detach(), alpha=penalty / total), found.bias.cpu()
        return found.loss.cpu() + penalty / (2 * total) * weight.detach().square().sum()

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    return LinearFit(weight.detach().to(device), bias.detach().to(device), int(optimizer.state[weight]["n_iter"]))


def adamw(
    samples: Samples,
    num_classes: int,
    *,
    learning_rate: float,
    patience: int,
    max_steps: int,
    batch_size: int | None = None,
    generator: Generator | None = None,
    group: Group = None,
) -> LinearFit:
    """The paper's way: AdamW until the training accuracy has not improved for `patience` steps; keeps the best step.

    Among steps of equal training accuracy the one of lower loss is kept. Zhang, Lu and Xuan, 2024, arXiv 2305.10229;
    AdamW: Loshchilov and Hutter, 2019, arXiv 1711.05101.

    Args:
        samples: This process's features `[n, D]`, float64, and their class numbers.
        num_classes: C.
        learning_rate: Of AdamW.
        patience: Steps, or epochs of batches.
        max_steps: At most so many steps, or epochs of batches.
        batch_size: Samples a step of all processes together; None for all samples, the paper's way. With batches the
            training accuracy is that of an epoch's batches as they came, and the weights at its end are what is kept.
        generator: A CPU generator, in the same state on every process, source of the batches.
        group: The processes that share the samples.
    """
    weight, bias = _zeros(samples.values, num_classes, samples.values.device)
    optimizer = torch.optim.AdamW([weight, bias], lr=learning_rate)
    shard = Shard.of(len(samples.classes), group)
    best = (-1.0, 0.0)
    kept = (weight.detach().clone(), bias.detach().clone())
    improved = epoch = 0
    for epoch in range(1, max_steps + 1):
        loss_sum, right_sum, before = 0.0, 0, (weight.detach().clone(), bias.detach().clone())
        for batch, count in _batches(samples, shard, batch_size, generator):
            found = _gradient(batch, weight, bias, total=count, group=group)
            weight.grad, bias.grad = found.weight, found.bias
            optimizer.step()
            loss_sum, right_sum = loss_sum + float(found.loss) * count, right_sum + found.right
        # In full batch the accuracy is that of the weights before the step.
        candidate = before if batch_size is None else (weight.detach().clone(), bias.detach().clone())
        accuracy = right_sum / shard.total
        improved = epoch if accuracy > best[0] else improved
        if (accuracy, -loss_sum) > best:
            best, kept = (accuracy, -loss_sum), candidate
        if epoch - improved >= patience:
            break
    return LinearFit(*kept, steps=epoch)


def _batches(
    samples: Samples, shard: Shard, batch_size: int | None, generator: Generator | None
) -> Iterator[tuple[Samples, int]]:
    """This process's part of each batch of an epoch, and how many samples the whole batch has."""
    if batch_size is None:
        yield samples, shard.total
        return
    own = shard.own
    for batch in torch.split(torch.randperm(shard.total, generator=generator), batch_size):
        mine = batch[(batch >= own.start) & (batch < own.stop)] - own.start
        mine = mine.to(samples.classes.device)
        yield Samples(samples.values[mine], samples.classes[mine]), len(batch)


class _Gradient(NamedTuple):
    """Of all processes' mean cross-entropy.

    Attributes:
        weight: `[C, D]`.
        bias: `[C]`.
        loss: The mean itself.
        right: How many samples are classified right.
    """

    weight: Tensor
    bias: Tensor
    loss: Tensor
    right: int


def _gradient(samples: Samples, weight: Tensor, bias: Tensor, *, total: int, group: Group) -> _Gradient:
    """The gradient by both weights, on every process."""
    logits = functional.linear(samples.values, weight, bias)
    loss = functional.cross_entropy(logits, samples.classes, reduction="sum") / total
    gradients = torch.autograd.grad(loss, (weight, bias))
    right = (logits.argmax(dim=1) == samples.classes).sum().double()
    parts = [gradients[0].flatten(), gradients[1], loss.detach()[None], right[None]]
    summed = all_reduce(torch.cat(parts), group)
    by_weight, by_bias = summed[: weight.numel()].view_as(weight), summed[weight.numel() : -2].view_as(bias)
    return _Gradient(by_weight, by_bias, summed[-2], int(summed[-1]))


def _zeros(values: Tensor, num_classes: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Where both start: the objective is convex, so no random start is needed."""
    weight = values.new_zeros(num_classes, values.shape[1], device=device).requires_grad_()
    return weight, values.new_zeros(num_classes, device=device).requires_grad_()
