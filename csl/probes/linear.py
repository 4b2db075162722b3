"""The linear probe: logistic regression on frozen features."""

from typing import Literal, get_args

from torch import Tensor
from torch.nn import functional

from csl.probes.few_labels import check_label_share
from csl.probes.probe import Outcome, Probe, accuracy
from csl.probes.solvers import LinearFit, adamw, lbfgs
from csl.probes.standardisation import standardisation
from csl.probes.task import Samples, Task
from csl.randomness import derive_generator

Solver = Literal["lbfgs", "adamw"]

PAPER_LEARNING_RATE = 0.1
PAPER_PATIENCE = 30


class LinearProbe(Probe):
    """Multinomial logistic regression on features standardised with the training samples' mean and deviation.

    In float64, from zero; each process works on its own rows. "lbfgs" runs the regularised regression to its minimum,
    which depends on nothing but the features. "adamw" is the paper's form (Zhang, Lu and Xuan, 2024, arXiv 2305.10229):
    full batch, AdamW at learning rate 0.1, stopped after 30 steps without a better training accuracy, no other
    regularisation; with a `batch_size` it takes batches instead, and steps become epochs. No held-out label is looked
    at. `train_accuracy` is the accuracy on the samples trained on.

    Args:
        solver: "lbfgs" or "adamw".
        penalty: Weight of the squared norm for "lbfgs": `mean cross-entropy + penalty / (2 N) * ||W||^2`, the inverse
            of scikit-learn's `C`.
        max_steps: At most so many steps, or epochs of batches.
        batch_size: For "adamw", samples a step, of all processes together; None for all.
        learning_rate: For "adamw".
        label_share: The share of each class's training samples that is trained on (at least one of each).
        seed: Of that choice and of the batches; nothing else is random.

    Raises:
        ValueError: If an argument is out of range, or a `batch_size` is given for "lbfgs".

    Example:
        >>> import torch
        >>> from csl.types import Features
        >>> features = Features(torch.tensor([[0.0], [1.0], [4.0], [5.0]]), torch.tensor([2, 2, 7, 7]), torch.arange(4))
        >>> result = LinearProbe().fit(features, features)
        >>> result.val_accuracy, result.num_parameters, result.predictions.tolist()
        (1.0, 4, [2, 2, 7, 7])
    """

    name = "linear"

    def __init__(
        self,
        solver: Solver = "lbfgs",
        penalty: float = 1.0,
        max_steps: int = 500,
        batch_size: int | None = None,
        learning_rate: float = PAPER_LEARNING_RATE,
        label_share: float = 1.0,
        seed: int = 0,
    ) -> None:
        if solver not in get_args(Solver):
            raise ValueError(f"solver: expected one of {', '.join(get_args(Solver))}, got {solver!r}")
        if not penalty >= 0:
            raise ValueError(f"penalty: expected 0 or more, got {penalty}")
        if not learning_rate > 0:
            raise ValueError(f"learning_rate: expected a positive number, got {learning_rate}")
        for name, count in {"max_steps": max_steps, "batch_size": batch_size}.items():
            if count is not None and count < 1:
                raise ValueError(f"{name}: expected at least 1, got {count}")
        if batch_size is not None and solver == "lbfgs":
            raise ValueError("batch_size: lbfgs takes all samples at once; choose solver 'adamw' for batches")
        check_label_share(label_share)
        self.solver = solver
        self.penalty = penalty
        self.max_steps = max_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.label_share = label_share
        self.seed = seed

    def classify(self, task: Task) -> Outcome:
        """Standardise, train, and predict."""
        shift, scale = standardisation(task.labelled.values, task.group)
        train = Samples((task.labelled.values - shift) / scale, task.labelled.classes)
        fit = self._train(train, task)
        on_val = functional.linear((task.val.values - shift) / scale, fit.weight, fit.bias).argmax(dim=1)
        on_train = functional.linear(train.values, fit.weight, fit.bias).argmax(dim=1)
        parameters: dict[str, Tensor] = {"weight": fit.weight, "bias": fit.bias, "shift": shift, "scale": scale}
        return Outcome(
            predictions=on_val,
            train_accuracy=accuracy(on_train, train.classes, task.group),
            num_parameters=fit.weight.numel() + fit.bias.numel(),
            steps=fit.steps,
            parameters=parameters,
        )

    def _train(self, train: Samples, task: Task) -> LinearFit:
        if self.solver == "lbfgs":
            return lbfgs(train, task.num_classes, penalty=self.penalty, max_steps=self.max_steps, group=task.group)
        return adamw(
            train,
            task.num_classes,
            learning_rate=self.learning_rate,
            patience=PAPER_PATIENCE,
            max_steps=self.max_steps,
            batch_size=self.batch_size,
            generator=derive_generator(self.seed, "linear"),
            group=task.group,
        )
