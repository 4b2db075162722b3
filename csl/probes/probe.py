"""The base of all probes."""

import time
from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from csl import distributed
from csl.distributed import Group
from csl.probes.result import ProbeResult
from csl.probes.task import Task, make_task
from csl.types import Features


class Outcome(NamedTuple):
    """What a probe found out about a task.

    Attributes:
        predictions: Class number predicted for each of this process's held-out samples `[n]`, int64.
        train_accuracy: As in `ProbeResult`, the same on every process.
        num_parameters: Number of trained parameters.
        best_val_accuracy: As in `ProbeResult`, the same on every process.
        steps: Number of training steps.
    """

    predictions: Tensor
    train_accuracy: float
    num_parameters: int
    best_val_accuracy: float | None = None
    steps: int | None = None


class Probe(ABC):
    """A small classifier trained on frozen features, to see what they make easy.

    `fit` checks the features and leaves inference mode; a subclass sets `name` and implements `classify`. Fitting
    neither reads nor moves the global random state, and gives every process of a group the same result.
    """

    name: ClassVar[str]

    @abstractmethod
    def classify(self, task: Task) -> Outcome:
        """Train on `task.train` and predict `task.val`; called with gradients enabled, outside inference mode."""

    def fit(self, train: Features, val: Features, *, group: Group = None) -> ProbeResult:
        """Train on one set of features and measure on the other.

        Args:
            train: Labelled features `[N, D]`, or this process's rows of them. Labels need not be contiguous.
            val: Held-out features `[M, D]`, likewise. Their labels only measure.
            group: The processes that share the rows; None for one process.

        Raises:
            ValueError: If shapes do not fit, a set is empty, a label is negative, a value is not finite, or the
                training set has fewer than two classes.
        """
        start = time.perf_counter()
        with torch.inference_mode(False), torch.enable_grad():
            task = make_task(train, val, group)
            outcome = self.classify(task)
            seconds = torch.tensor(time.perf_counter() - start, device=train.values.device)
            return ProbeResult(
                train_accuracy=outcome.train_accuracy,
                val_accuracy=accuracy(outcome.predictions, task.val.classes, group),
                num_parameters=outcome.num_parameters,
                best_val_accuracy=outcome.best_val_accuracy,
                steps=outcome.steps,
                seconds=float(distributed.all_reduce(seconds, group, "max")),
                predictions=task.labels[outcome.predictions],
            )


def accuracy(predictions: Tensor, classes: Tensor, group: Group = None) -> float:
    """The share of all processes' samples `[n]` whose class is predicted."""
    right = torch.stack([(predictions == classes).sum(), torch.tensor(len(classes), device=classes.device)])
    correct, total = distributed.all_reduce(right, group).tolist()
    return float(correct / total)
