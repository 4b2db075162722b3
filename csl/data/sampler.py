"""Which images a process sees, and in which order: a function of the seed, the epoch and the process, and no more."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, DistributedSampler

from csl.data.row_groups import TOGETHER
from csl.distributed import shard_of
from csl.randomness import derive_generator

if TYPE_CHECKING:
    from lightning.pytorch import Trainer

Position = tuple[int, int]  # epoch, and batches of it that are done


class _Rows(Dataset[Any]):
    """As much of a data set as the base class looks at: its length."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count


class TrainSampler(DistributedSampler[Any]):
    """Shuffled global batches, of which each process takes its contiguous share; resumable in the middle of an epoch.

    Global batch `k` of an epoch is the same set of images on any number of processes. The last incomplete one is
    dropped.

    Args:
        num_images: Size of the training set.
        batch_size: Images in a global batch, a multiple of `world_size`.
        seed: Seeds the order.
        rank: This process.
        world_size: Number of processes.
        position: Asked where training stands when iteration starts; without it, at the start of the epoch that
            `set_epoch` was told.
        groups: Numbers `[N]` of what images are read from, such as row groups: an epoch goes through them in random
            order, `TOGETHER` at a time, whose images are shuffled together.
        tells_epoch: Whether a position in epoch `e` is called `e · num_images + position`.

    Example:
        >>> sampler = TrainSampler(5, batch_size=2, seed=0)
        >>> len(sampler), sorted(set(sampler)) == sorted(sampler)
        (4, True)
    """

    def __init__(
        self,
        num_images: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        position: Callable[[], Position] | None = None,
        groups: Tensor | None = None,
        tells_epoch: bool = False,
    ) -> None:
        super().__init__(_Rows(num_images), num_replicas=world_size, rank=rank, seed=seed, drop_last=True)
        self.num_images, self.batch_size, self.tells_epoch = num_images, batch_size, tells_epoch
        self._position = position
        self._groups = groups

    def __len__(self) -> int:
        return self.num_images // self.batch_size * (self.batch_size // self.num_replicas)

    def __iter__(self) -> Iterator[int]:
        epoch, done = (self.epoch, 0) if self._position is None else self._position()
        generator = derive_generator(self.seed, "order", epoch)
        order = torch.randperm(self.num_images, generator=generator)
        if self._groups is not None:
            numbers = torch.randperm(int(self._groups.max()) + 1, generator=generator)
            order = order[(numbers[self._groups] // TOGETHER)[order].argsort(stable=True)]
        share = shard_of(self.batch_size, self.rank, self.num_replicas)
        batches = order[: self.num_images // self.batch_size * self.batch_size].view(-1, self.batch_size)
        named = batches[done:, share] + (epoch * self.num_images if self.tells_epoch else 0)
        yield from named.flatten().tolist()


class EvaluationSampler(DistributedSampler[Any]):
    """Contiguous, unpadded shards: every image exactly once on any number of processes.

    Args:
        num_images: Size of the set.
        rank: This process.
        world_size: Number of processes.
        wanted: Ranges of positions that are wanted alone; all if None.

    Example:
        >>> [list(EvaluationSampler(5, rank, 2)) for rank in range(2)]
        [[0, 1], [2, 3, 4]]
        >>> list(EvaluationSampler(9, wanted=[range(2), range(7, 9)]))
        [0, 1, 7, 8]
    """

    def __init__(
        self, num_images: int, rank: int = 0, world_size: int = 1, wanted: Sequence[range] | None = None
    ) -> None:
        super().__init__(_Rows(num_images), num_replicas=world_size, rank=rank, shuffle=False)
        rows = [row for part in ([range(num_images)] if wanted is None else wanted) for row in part]
        self._rows = rows[shard_of(len(rows), rank, world_size)]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)


def training_position(trainer: "Trainer") -> Position:
    """Where training stands: the epoch, and how many of its batches are done.

    Read from the trainer's own progress, which checkpoints hold, whenever an iterator starts. That may be before the
    trainer has put its restored counters in order, or told the sampler its epoch: worker processes fetch ahead as soon
    as the iterator exists. A batch counts once it is processed: one that was only begun is seen again.
    """
    epochs: Any = trainer.fit_loop.epoch_progress.current
    batches: Any = trainer.fit_loop.epoch_loop.batch_progress
    epoch, done = int(epochs.processed), int(batches.current.processed)
    if epochs.started <= epoch:  # between two epochs
        return epoch, 0
    if batches.is_last_batch and done == batches.current.ready > 0:
        return epoch + 1, 0
    return epoch, done


def batch_under_way(trainer: "Trainer") -> Position:
    """The epoch, and which batch of it the trainer is moving to its device."""
    epochs: Any = trainer.fit_loop.epoch_progress.current
    return int(epochs.processed), int(trainer.fit_loop.epoch_loop.batch_progress.current.ready)
