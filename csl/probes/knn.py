"""Weighted nearest neighbours: no parameters at all, and a view of local organization alone."""

import torch
from torch import Tensor

from csl import distributed, pairwise
from csl.metrics.functional.knn_accuracy import vote
from csl.probes.few_labels import check_label_share
from csl.probes.probe import Outcome, Probe, accuracy
from csl.probes.task import Task


class KNNProbe(Probe):
    """Predict a sample's class by the weighted vote of its nearest training samples.

    Each of the k neighbours, nearest by cosine similarity s, votes for its class with weight `exp(s / T)`; ties go to
    the class of the nearer one. Neighbours are found tile by tile, over the processes in a ring; no `[M, N]` array
    exists. Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", 2018, arXiv
    1805.01978.

    A training sample is its own nearest neighbour, so the plain training accuracy says nothing. `train_accuracy` is
    the leave-one-out accuracy, but only on request, for it takes N/M times the work of the held-out accuracy; else NaN.

    Args:
        neighbors: k ≥ 1; at most the number of training samples is used.
        temperature: T > 0.
        leave_one_out: Whether to measure `train_accuracy`.
        label_share: The share of each class's training samples that votes (at least one of each).
        seed: Of that choice.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> from csl.types import Features
        >>> angles = torch.tensor([0.0, 0.1, 1.5, 1.6])
        >>> values = torch.stack([angles.cos(), angles.sin()], dim=1)
        >>> features = Features(values, torch.tensor([3, 3, 8, 8]), torch.arange(4))
        >>> KNNProbe(neighbors=1, leave_one_out=True).fit(features, features).train_accuracy
        1.0
    """

    name = "knn"

    def __init__(
        self,
        neighbors: int = 20,
        temperature: float = 0.07,
        leave_one_out: bool = False,
        label_share: float = 1.0,
        seed: int = 0,
    ) -> None:
        if neighbors < 1:
            raise ValueError(f"neighbors: expected at least 1, got {neighbors}")
        if not temperature > 0:
            raise ValueError(f"temperature: expected a positive number, got {temperature}")
        check_label_share(label_share)
        self.neighbors = neighbors
        self.temperature = temperature
        self.leave_one_out = leave_one_out
        self.label_share = label_share
        self.seed = seed

    def classify(self, task: Task) -> Outcome:
        """Let each sample's nearest training samples vote."""
        task = task._replace(train=task.labelled, shown=task.shown[task.shown])
        classes = distributed.gather_rows(task.train.classes, task.group)
        predictions = self._vote(task, task.val.values, classes)
        left_out = self._leave_one_out(task, classes) if self.leave_one_out else float("nan")
        return Outcome(predictions, train_accuracy=left_out, num_parameters=0)

    def _leave_one_out(self, task: Task, classes: Tensor) -> float:
        """Accuracy on the training samples, each without its own vote."""
        rows = distributed.Shard.of(len(task.train.classes), task.group).own
        own = torch.arange(rows.start, rows.stop, device=classes.device)
        predictions = self._vote(task, task.train.values, classes, exclude=own)
        return accuracy(predictions, task.train.classes, task.group)

    def _vote(self, task: Task, queries: Tensor, classes: Tensor, exclude: Tensor | None = None) -> Tensor:
        """The class that wins each query's vote `[q]`; `classes` are those of all training samples."""
        neighbors = min(self.neighbors, len(classes) - (exclude is not None))
        similarity, keys = pairwise.top_cosine(queries, task.train.values, neighbors, group=task.group, exclude=exclude)
        return vote(similarity, classes[keys], task.num_classes, self.temperature)
