"""What a probe is given: checked features that can be trained on, and their labels as numbers 0 … C − 1."""

from typing import NamedTuple

import torch
from torch import Tensor

from csl import distributed
from csl.distributed import Group, Shard
from csl.probes.few_labels import shown_labels
from csl.types import Features


class Samples(NamedTuple):
    """Feature vectors and the numbers of their classes.

    Attributes:
        values: Feature vectors `[N, D]`, no inference tensors.
        classes: Position of each sample's label in `Task.labels` `[N]`, int64; −1 where no training sample has it.
    """

    values: Tensor
    classes: Tensor


class Task(NamedTuple):
    """Learn the classes of `train`, predict those of `val`.

    Attributes:
        train: This process's training samples.
        val: This process's held-out samples.
        labels: The labels that occur among all processes' training samples, ascending `[C]`, C ≥ 2.
        group: The processes that share the rows.
        shown: Which of this process's training samples' labels the probe may see `[n]`, bool: all, unless it asks for
            few.
    """

    train: Samples
    val: Samples
    labels: Tensor
    group: Group
    shown: Tensor

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return len(self.labels)

    @property
    def labelled(self) -> Samples:
        """This process's training samples whose labels the probe may see."""
        return self.train if bool(self.shown.all()) else Samples(*(part[self.shown] for part in self.train))


def make_task(train: Features, val: Features, group: Group = None, *, label_share: float = 1.0, seed: int = 0) -> Task:
    """Check both sets, on all processes alike, and number the classes of the training set.

    Args:
        train: This process's training samples.
        val: This process's held-out samples.
        group: The processes that share the rows.
        label_share: The share of each class's training labels that is shown.
        seed: Of the choice of these.

    Raises:
        ValueError: If shapes do not fit, a set is empty, a label is negative, a value is not finite, or the training
            set has fewer than two classes.
    """
    for name, features in (("train", train), ("val", val)):
        _check(name, features, group)
    if train.values.shape[1] != val.values.shape[1]:
        widths = f"{train.values.shape[1]} and {val.values.shape[1]}"
        raise ValueError(f"train, val: expected features of one width, got {widths}")
    labels = torch.unique(distributed.gather_rows(train.labels, group)).clone()
    if len(labels) < 2:
        raise ValueError(f"train.labels: expected at least two classes, got only class {int(labels[0])}")
    known = _samples(train, labels)
    shard = Shard.of(len(known.classes), group)
    shown = shown_labels(shard.gather(known.classes), label_share, seed)[shard.own]
    return Task(known, _samples(val, labels), labels, group, shown)


def _samples(features: Features, labels: Tensor) -> Samples:
    position = torch.searchsorted(labels, features.labels).clamp(max=len(labels) - 1)
    classes = torch.where(labels[position] == features.labels, position, -1)
    # A clone made outside inference mode is an ordinary tensor, which may take part in training.
    return Samples(features.values.detach().clone(), classes)


def _check(name: str, features: Features, group: Group) -> None:
    """Raise the same error on every process if any of them holds a bad row, so that none waits for the others."""
    values, labels, index = features
    if values.ndim != 2 or labels.shape != values.shape[:1] or index.shape != values.shape[:1]:
        shapes = f"{tuple(values.shape)}, {tuple(labels.shape)} and {tuple(index.shape)}"
        raise ValueError(f"{name}: expected values [N, D], labels [N] and index [N], got shapes {shapes}")
    if not values.is_floating_point():
        raise ValueError(f"{name}.values: expected floating-point numbers, got {values.dtype}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"{name}.labels: expected integers, got {labels.dtype}")
    if sum(distributed.row_counts(len(values), group)) == 0:
        raise ValueError(f"{name}: expected at least one sample, got none")
    _raise_for(~values.isfinite().all(dim=1), index, f"{name}.values: expected finite numbers, got NaN or inf", group)
    _raise_for(labels < 0, index, f"{name}.labels: expected labels of 0 and more, got none or a negative one", group)


def _raise_for(bad: Tensor, index: Tensor, message: str, group: Group) -> None:
    if not distributed.any_process(bool(bad.any()), group):
        return
    samples = distributed.gather_rows(index[bad], group)
    shown = ", ".join(str(int(i)) for i in samples[:5]) + (", …" if len(samples) > 5 else "")
    raise ValueError(f"{message} in {len(samples)} rows, first the samples with index {shown}")
