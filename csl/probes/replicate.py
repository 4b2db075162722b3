"""Small classifiers that every process trains alike on all rows; the one place that knows they are not sharded."""

import torch
from torch import Tensor

from csl import distributed
from csl.distributed import Group
from csl.probes.task import Samples, Task


def whole(samples: Samples, group: Group) -> Samples:
    """All processes' samples, in rank order, on every process."""
    return Samples(distributed.gather_rows(samples.values, group), distributed.gather_rows(samples.classes, group))


def own_rows(tensor: Tensor, task: Task) -> Tensor:
    """This process's rows of a tensor that runs over all held-out samples."""
    counts = distributed.row_counts(len(task.val.classes), task.group)
    start = sum(counts[: distributed.rank(task.group)])
    return tensor[start : start + len(task.val.classes)]


def agreed(tensor: Tensor, group: Group) -> Tensor:
    """The first process's tensor, on every process: processes on unlike machines may differ in the last bits."""
    return distributed.all_reduce(tensor if distributed.rank(group) == 0 else torch.zeros_like(tensor), group)
