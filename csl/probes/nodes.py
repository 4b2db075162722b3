"""Training and held-out samples as the nodes of one graph, cut anew into shards."""

from typing import NamedTuple

import torch
from torch import Tensor

from csl.distributed import Shard
from csl.probes.task import Task


class Nodes(NamedTuple):
    """This process's nodes of the graph of all samples: first all training samples, then all held-out ones.

    The nodes are cut anew, into even shards of that order, so that they are numbered, and ties of the graph broken, as
    on one process.

    Attributes:
        values: Features `[n, D]`.
        classes: Class numbers `[n]`; −1 for those that no training sample has.
        labelled: Which nodes' labels may be shown `[n]`, bool: never those of held-out samples.
        held_out: Which nodes are held-out samples `[n]`, bool.
        num_train: Number of training samples of all processes.
        shard: Which nodes each process owns.
    """

    values: Tensor
    classes: Tensor
    labelled: Tensor
    held_out: Tensor
    num_train: int
    shard: Shard

    @classmethod
    def of(cls, task: Task) -> "Nodes":
        """The nodes of a task."""
        train, val = Shard.of(len(task.train.classes), task.group), Shard.of(len(task.val.classes), task.group)
        shard = Shard.even(train.total + val.total, task.group)
        own, cut = shard.own, train.total
        of_train = slice(own.start, min(own.stop, cut))
        of_val = slice(max(own.start, cut) - cut, own.stop - cut)

        def moved(first: Tensor, second: Tensor) -> Tensor:
            return torch.cat([train.take(first, of_train), val.take(second, of_val)])

        return cls(
            values=moved(task.train.values, task.val.values),
            classes=moved(task.train.classes, task.val.classes),
            labelled=moved(task.shown, torch.zeros_like(task.val.classes, dtype=torch.bool)),
            held_out=torch.arange(own.start, own.stop, device=task.labels.device) >= cut,
            num_train=cut,
            shard=shard,
        )

    def back(self, of_nodes: Tensor, task: Task) -> Tensor:
        """This process's held-out samples' part of something small that runs over the nodes `[n]`."""
        return self.shard.gather(of_nodes)[self.num_train :][Shard.of(len(task.val.classes), task.group).own]
