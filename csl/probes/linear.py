"""The linear probe: logistic regression on frozen features."""

from typing import ClassVar, Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional

from csl.probes.probe import Outcome, Probe
from csl.probes.replicate import agreed, whole
from csl.probes.solvers import LinearFit, adamw, lbfgs
from csl.probes.task import Samples, Task

Solver = Literal["lbfgs", "adamw"]

PAPER_LEARNING_RATE = 0.1
PAPER_PATIENCE = 30


class LinearProbe(Probe):
    """Multinomial logistic regression on features standardised with the training samples' mean and deviation.

    Full batch, in float64, from zero; nothing is random. "lbfgs" runs the regularised regression to its minimum, which
    depends on nothing but the features. "adamw" is the paper's form (Zhang, Lu and Xuan, 2024, arXiv 2305.10229):
    AdamW at learning rate 0.1, stopped after 30 steps without a better training accuracy, no other regularisation.
    `train_accuracy` is the accuracy on the samples trained on.

    Args:
        solver: "lbfgs" or "adamw".
        penalty: Weight of the squared norm for "lbfgs": `mean cross-entropy + penalty / (2 N) * ||W||^2`, the inverse
            of scikit-learn's `C`.
        max_steps: At most so many steps.

    Raises:
        ValueError: If `solver` is another name, `penalty` negative or `max_steps` below 1.

    Example:
        >>> import torch
        >>> from csl.types import Features
        >>> features = Features(torch.tensor([[0.0], [1.0], [4.0], [5.0]]), torch.tensor([2, 2, 7, 7]), torch.arange(4))
        >>> result = LinearProbe().fit(features, features)
        >>> result.val_accuracy, result.num_parameters, result.predictions.tolist()
        (1.0, 4, [2, 2, 7, 7])
    """

    name: ClassVar[str] = "linear"

    def __init__(self, solver: Solver = "lbfgs", penalty: float = 1.0, max_steps: int = 500) -> None:
        if solver not in get_args(Solver):
            raise ValueError(f"solver: expected one of {', '.join(get_args(Solver))}, got {solver!r}")
        if not penalty >= 0:
            raise ValueError(f"penalty: expected 0 or more, got {penalty}")
        if max_steps < 1:
            raise ValueError(f"max_steps: expected at least 1, got {max_steps}")
        self.solver = solver
        self.penalty = penalty
        self.max_steps = max_steps

    def classify(self, task: Task) -> Outcome:
        """Standardise, train, and predict."""
        train = whole(task.train, task.group)
        shift, scale = _standardisation(train.values.double())
        values = (train.values - shift) / scale
        fit = self._train(Samples(values, train.classes), task.num_classes)
        weight, bias = agreed(fit.weight, task.group), agreed(fit.bias, task.group)
        on_train = functional.linear(values, weight, bias).argmax(dim=1)
        on_val = functional.linear((task.val.values - shift) / scale, weight, bias).argmax(dim=1)
        return Outcome(
            predictions=on_val,
            train_accuracy=float(agreed((on_train == train.classes).double().mean(), task.group)),
            num_parameters=weight.numel() + bias.numel(),
            steps=int(agreed(torch.tensor(fit.steps, device=weight.device), task.group)),
        )

    def _train(self, train: Samples, num_classes: int) -> LinearFit:
        values, classes = train
        if self.solver == "lbfgs":
            return lbfgs(values, classes, num_classes, penalty=self.penalty, max_steps=self.max_steps)
        stop = {"patience": PAPER_PATIENCE, "max_steps": self.max_steps}
        return adamw(values, classes, num_classes, learning_rate=PAPER_LEARNING_RATE, **stop)


def _standardisation(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each dimension `[D]`; 1 for the deviation of a constant one."""
    mean, std = values.mean(dim=0), values.std(dim=0, correction=0)
    # The deviation of a constant comes out as rounding, which must not be blown up to 1.
    rounding = 10 * torch.finfo(values.dtype).eps * values.abs().amax(dim=0)
    return mean, torch.where(std > rounding, std, 1.0)
