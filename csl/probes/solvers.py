"""Full-batch training of a linear classifier, in two ways."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

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


def lbfgs(values: Tensor, classes: Tensor, num_classes: int, *, penalty: float, max_steps: int) -> LinearFit:
    """Minimise `mean cross-entropy + penalty / (2 N) * ||W||^2` to its one minimum, by L-BFGS with line search.

    Stops where no entry of the gradient exceeds `GRADIENT_TOLERANCE`.
    Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.

    Args:
        values: Features `[N, D]`, float64.
        classes: Class numbers `[N]`.
        num_classes: C.
        penalty: At least 0; the inverse of scikit-learn's `C`.
        max_steps: At most so many iterations.
    """
    weight, bias = _zeros(values, num_classes)
    optimizer = torch.optim.LBFGS(
        [weight, bias],
        max_iter=max_steps,
        max_eval=2 * max_steps,
        tolerance_grad=GRADIENT_TOLERANCE,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(functional.linear(values, weight, bias), classes)
        loss = loss + penalty / (2 * len(values)) * weight.square().sum()
        torch.autograd.backward(loss)
        return loss

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    return LinearFit(weight.detach(), bias.detach(), int(optimizer.state[weight]["n_iter"]))


def adamw(
    values: Tensor, classes: Tensor, num_classes: int, *, learning_rate: float, patience: int, max_steps: int
) -> LinearFit:
    """The paper's way: AdamW until the training accuracy has not improved for `patience` steps; keeps the best step.

    Among steps of equal training accuracy the one of lower loss is kept. Zhang, Lu and Xuan, 2024, arXiv 2305.10229;
    AdamW: Loshchilov and Hutter, 2019, arXiv 1711.05101.
    """
    weight, bias = _zeros(values, num_classes)
    optimizer = torch.optim.AdamW([weight, bias], lr=learning_rate)
    best = (-1.0, 0.0)
    kept = (weight.detach().clone(), bias.detach().clone())
    improved = step = 0
    for step in range(1, max_steps + 1):
        logits = functional.linear(values, weight, bias)
        loss = functional.cross_entropy(logits, classes)
        accuracy = float((logits.argmax(dim=1) == classes).double().mean())
        improved = step if accuracy > best[0] else improved
        score = (accuracy, -float(loss.detach()))
        if score > best:
            best, kept = score, (weight.detach().clone(), bias.detach().clone())
        if step - improved >= patience:
            break
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return LinearFit(*kept, steps=step)


def _zeros(values: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Where both start: the objective is convex, so no random start is needed."""
    weight = values.new_zeros(num_classes, values.shape[1]).requires_grad_()
    return weight, values.new_zeros(num_classes).requires_grad_()
