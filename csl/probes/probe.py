"""The base of all probes."""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from csl import distributed
from csl.distributed import Group
from csl.probes.result import ProbeResult
from csl.probes.task import Task, make_task
from csl.types import Features

_NO_PARAMETERS: Mapping[str, Tensor] = {}


class Outcome(NamedTuple):
    """What a probe found out about a task.

    Attributes:
        predictions: Class number predicted for each of this process's held-out samples `[n]`, int64.
        train_accuracy: As in `ProbeResult`, the same on every process.
        num_parameters: Number of trained parameters.
        best_val_accuracy_over_steps: As in `ProbeResult`, the same on every process.
        steps: Number of training steps.
        parameters: The trained parameters by name, the same on every process.
    """

    predictions: Tensor
    train_accuracy: float
    num_parameters: int
    best_val_accuracy_over_steps: float | None = None
    steps: int | None = None
    parameters: Mapping[str, Tensor] = _NO_PARAMETERS


class Probe(ABC):
    """A small classifier trained on frozen features, to see what they make easy.

    `fit` checks the features and leaves inference mode; a subclass sets `name` and implements `classify`. Fitting
    neither reads nor moves the global random state, and gives every process of a group the same result.

    A subclass that has `label_share` below 1 is given `task.shown`, a part of each class chosen by `seed`, and should
    learn from `task.labelled`.
    """

    name: str
    label_share: float = 1.0
    seed: int = 0

    @property
    def variant_names(self) -> tuple[str, ...]:
        """The keys of what `fit_variants` returns."""
        return (self.name,)

    @abstractmethod
    def classify(self, task: Task) -> Outcome:
        """Train on `task.train` and predict `task.val`; called with gradients enabled, outside inference mode."""

    def variants(self, task: Task) -> dict[str, Outcome]:
        """What `fit_variants` reports; more than one where a probe does several fits that share work."""
        return {self.name: self.classify(task)}

    def fit(self, train: Features, val: Features, *, group: Group = None) -> ProbeResult:
        """Train on one set of features and measure on the other.

        Args:
            train: Labelled features `[N, D]`, or this process's rows of them. Labels need not be contiguous.
            val: Held-out features `[M, D]`, likewise. Their labels only measure.
            group: The processes that share the rows; None for one process.

        Raises:
            ValueError: If shapes do not fit, a set is empty, a label is negative, a value is not finite, the training
                set has fewer than two classes, or the probe has several variants.
        """
        results = self.fit_variants(train, val, group=group)
        if len(results) > 1:
            raise ValueError(f"{type(self).__name__} has the variants {', '.join(results)}: call fit_variants")
        return next(iter(results.values()))

    def fit_variants(self, train: Features, val: Features, *, group: Group = None) -> dict[str, ProbeResult]:
        """Fit every variant of this probe, such as several temperatures, and name them; for most that is one.

        Arguments and errors are those of `fit`.
        """
        start = time.perf_counter()
        with torch.inference_mode(False), torch.enable_grad():
            task = make_task(train, val, group, label_share=self.label_share, seed=self.seed)
            outcomes = self.variants(task)
            seconds = torch.tensor(time.perf_counter() - start, device=train.values.device)
            longest = float(distributed.all_reduce(seconds, group, "max"))
            return {name: _result(outcome, task, val.labels, longest) for name, outcome in outcomes.items()}


def _result(outcome: Outcome, task: Task, labels: Tensor, seconds: float) -> ProbeResult:
    predictions = task.labels[outcome.predictions]
    by_class = class_accuracies(predictions, labels, task.group)
    return ProbeResult(
        train_accuracy=outcome.train_accuracy,
        val_accuracy=accuracy(predictions, labels, task.group),
        num_parameters=outcome.num_parameters,
        balanced_accuracy=sum(by_class.values()) / len(by_class),
        class_accuracies=by_class,
        best_val_accuracy_over_steps=outcome.best_val_accuracy_over_steps,
        steps=outcome.steps,
        seconds=seconds,
        predictions=predictions,
        parameters=outcome.parameters,
    )


def accuracy(predictions: Tensor, classes: Tensor, group: Group = None) -> float:
    """The share of all processes' samples `[n]` whose class is predicted."""
    right = torch.stack([(predictions == classes).sum(), torch.tensor(len(classes), device=classes.device)])
    correct, total = distributed.all_reduce(right, group).tolist()
    return float(correct / total)


def class_accuracies(predictions: Tensor, labels: Tensor, group: Group = None) -> dict[int, float]:
    """For each label of all processes' samples `[n]`, ascending, the share of its samples that is predicted right.

    Example:
        >>> class_accuracies(torch.tensor([3, 3, 8]), torch.tensor([3, 8, 8]))
        {3: 1.0, 8: 0.5}
    """
    known = torch.unique(distributed.gather_rows(torch.unique(labels), group))
    position = torch.searchsorted(known, labels)
    right = torch.bincount(position[predictions == labels], minlength=len(known))
    counts = torch.stack([right, torch.bincount(position, minlength=len(known))])
    correct, total = distributed.all_reduce(counts, group).tolist()
    return {label: r / n for label, r, n in zip(known.tolist(), correct, total, strict=True)}
