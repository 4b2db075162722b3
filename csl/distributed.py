"""The only file that names `torch.distributed`: who we are, what every process knows, and whose rows are whose.

A `Group` of None means one process: every function is then the identity or the trivial answer, so that callers are
written once. Rows are sharded in contiguous blocks, in rank order, and never padded.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable

Group: TypeAlias = "dist.ProcessGroup | None"


def world() -> Group:
    """The group of all processes, or None where there is only this one."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        return dist.group.WORLD
    return None


def rank(group: Group = None) -> int:
    """This process's position in the group, 0 to size − 1."""
    return 0 if group is None else dist.get_rank(group)


def size(group: Group = None) -> int:
    """How many processes the group has."""
    return 1 if group is None else dist.get_world_size(group)


def shard(num_rows: int, group: Group = None) -> slice:
    """The contiguous, unpadded rows of `num_rows` that this process owns.

    Example:
        >>> shard(10)
        slice(0, 10, None)
    """
    return shard_of(num_rows, rank(group), size(group))


def shard_of(num_rows: int, rank: int, size: int) -> slice:
    """The rows that process `rank` of `size` owns; shards differ by at most one row.

    Example:
        >>> [shard_of(10, r, 3) for r in range(3)]
        [slice(0, 3, None), slice(3, 6, None), slice(6, 10, None)]
    """
    return slice(num_rows * rank // size, num_rows * (rank + 1) // size)


def all_reduce(tensor: Tensor, group: Group = None, op: Literal["sum", "max", "min"] = "sum") -> Tensor:
    """The sum, maximum or minimum of a tensor over the group, on every process; the argument is left as it was."""
    if group is None:
        return tensor
    out = tensor.detach().to(_device_of(group), copy=True).contiguous()
    dist.all_reduce(out, op=getattr(dist.ReduceOp, op.upper()), group=group)
    return out.to(tensor.device)


def row_counts(num_rows: int, group: Group = None) -> list[int]:
    """How many rows each process of the group holds, in rank order."""
    if group is None:
        return [num_rows]
    device = _device_of(group)
    counts = [torch.zeros(1, dtype=torch.int64, device=device) for _ in range(size(group))]
    dist.all_gather(counts, torch.tensor([num_rows], dtype=torch.int64, device=device), group=group)
    return [int(count) for count in counts]


def gather_rows(tensor: Tensor, group: Group = None, counts: Sequence[int] | None = None) -> Tensor:
    """All processes' rows `[n_r, ...]` in rank order `[N, ...]`, on every process; the counts n_r may differ.

    No gradient flows through it. Where the counts are known, giving them saves asking for them, and the wait for the
    answer.
    """
    if group is None:
        return tensor
    counts = row_counts(len(tensor), group) if counts is None else counts
    padded = tensor.new_zeros((max(counts), *tensor.shape[1:]), device=_device_of(group))
    padded[: len(tensor)] = tensor.detach()
    parts = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(parts, padded, group=group)
    return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)]).to(tensor.device)


def gather_equal_rows(tensor: Tensor, group: Group = None) -> Tensor:
    """All processes' rows `[n, ...]`, equally many, in rank order `[N, ...]`; gradients flow back to their owners."""
    gathered: Tensor = tensor if group is None else _EqualRows.apply(tensor, group)
    return gathered


class _EqualRows(torch.autograd.Function):
    """Every process uses the rows, so a row's gradient is the sum of what all of them make of it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Group) -> Tensor:
        ctx.group = group
        return gather_rows(tensor, group, [len(tensor)] * size(group))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return all_reduce(gradient, ctx.group).chunk(size(ctx.group))[rank(ctx.group)], None


def summed(tensor: Tensor, group: Group = None) -> Tensor:
    """The sum of all processes' tensors, on every process; gradients flow back to all of them.

    For batch statistics that enter every process's loss. The mean over processes of the losses' gradients is then that
    of one process on the whole batch.
    """
    total: Tensor = tensor if group is None else _Sum.apply(tensor, group)
    return total


class _Sum(torch.autograd.Function):
    """Every process uses the sum, so a part's gradient is the sum of what all of them make of it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor, group: Group) -> Tensor:
        ctx.group = group
        return all_reduce(tensor, group)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return all_reduce(gradient, ctx.group), None


def ring(
    tensors: tuple[Tensor, ...],
    group: Group = None,
    steps: int | None = None,
    counts: Sequence[int] | None = None,
) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """Each process's tensors in turn, `(owner, tensors)`: our own first, then those that come round the ring.

    After `s` steps a process holds the shard of rank `(rank − s) mod size`. Leading sizes may differ between
    processes; the tensors of a tuple share theirs. The next ones travel while the caller works on these, which it must
    leave as they are; so there are two visiting shards at a time.

    Args:
        tensors: This process's.
        group: The processes; None for one.
        steps: How many processes' tensors are wanted, from 1 (our own); None for all. Every process must ask for the
            same number, and take them all.
        counts: How many rows each process has, where that is known: it saves asking.
    """
    if group is None:
        yield 0, tensors
        return
    me, count = rank(group), size(group)
    steps = count if steps is None else steps
    counts = row_counts(len(tensors[0]), group) if counts is None else counts
    ranks = dist.get_process_group_ranks(group)
    to, source = ranks[(me + 1) % count], ranks[(me - 1) % count]
    held = tuple(tensor.detach().contiguous() for tensor in tensors)
    for step in range(steps):
        following = (me - step - 1) % count
        arriving: tuple[Tensor, ...] = ()
        requests = []
        if step + 1 < steps:
            arriving = tuple(t.new_empty((counts[following], *t.shape[1:])) for t in held)
            exchanges = [dist.P2POp(dist.isend, t, to, group) for t in held]
            exchanges += [dist.P2POp(dist.irecv, t, source, group) for t in arriving]
            requests = dist.batch_isend_irecv(exchanges)
        yield (me - step) % count, held
        for request in requests:
            request.wait()
        held = arriving


class Shard(NamedTuple):
    """Which rows of a whole each process owns: contiguous blocks in rank order.

    Attributes:
        counts: How many rows each process has.
        group: The processes.
    """

    counts: tuple[int, ...]
    group: Group

    @classmethod
    def of(cls, num_rows: int, group: Group = None) -> "Shard":
        """The shards of a group of which this process has `num_rows` rows."""
        return cls(tuple(row_counts(num_rows, group)), group)

    @classmethod
    def even(cls, total: int, group: Group = None) -> "Shard":
        """The cut of `total` rows into shards that differ by at most one row.

        Example:
            >>> Shard.even(10).own
            slice(0, 10, None)
        """
        parts = [shard_of(total, r, size(group)) for r in range(size(group))]
        return cls(tuple(part.stop - part.start for part in parts), group)

    @property
    def total(self) -> int:
        """All processes' rows."""
        return sum(self.counts)

    @property
    def own(self) -> slice:
        """This process's rows, in numbers of the whole."""
        start = self.start_of(rank(self.group))
        return slice(start, start + self.counts[rank(self.group)])

    def start_of(self, owner: int) -> int:
        """The number of the first row that a process owns."""
        return sum(self.counts[:owner])

    def gather(self, tensor: Tensor) -> Tensor:
        """All processes' rows `[N, ...]` on every process, from each one's own `[n, ...]`; without a gradient."""
        return gather_rows(tensor, self.group, self.counts)

    def take(self, tensor: Tensor, rows: slice) -> Tensor:
        """Any contiguous rows of the whole, from wherever they are; each process may ask for others.

        The shards come round a ring, so that a process never holds more than its own, its answer and two visitors.
        """
        if self.group is None:
            return tensor[rows.start : max(rows.start, rows.stop)]
        found = tensor.new_empty(max(0, rows.stop - rows.start), *tensor.shape[1:])
        for owner, (visiting,) in ring((tensor,), self.group, counts=self.counts):
            first = self.start_of(owner)
            low, high = max(rows.start, first), min(rows.stop, first + len(visiting))
            if low < high:
                found[low - rows.start : high - rows.start] = visiting[low - first : high - first]
        return found


def any_process(flag: bool, group: Group = None) -> bool:
    """Whether the flag is set on at least one process; every process learns the same answer."""
    if group is None:
        return flag
    return bool(all_reduce(torch.tensor(int(flag)), group, "max"))


def on_any_process(flags: Tensor, group: Group = None) -> Tensor:
    """Which flags `[N]` of one list are set on at least one process; every process learns the same answer."""
    if group is None:
        return flags
    return all_reduce(flags.to(torch.uint8), group, "max").bool()


def barrier(group: Group = None) -> None:
    """Wait until every process of the group is here."""
    if group is not None:
        dist.barrier(group=group)


class NoticeBoard:
    """Short notes that a process posts and all others can read, without anybody waiting for anybody.

    For what must be said when processes no longer meet in collectives. Each board has a connection of its own to the
    first process, so that a thread may use it while the main one works.
    """

    def __init__(self) -> None:
        # The default group's own store, which has no public name.
        self._store = dist.distributed_c10d._get_default_store().clone()

    def post(self, name: str, text: str) -> None:
        """Post a note; it replaces an earlier one of that name.

        Raises:
            ConnectionError: If the first process is gone.
        """
        try:
            self._store.set(f"csl/{name}", text)
        except RuntimeError as error:
            raise ConnectionError("the first process is gone") from error

    def read(self, name: str) -> str:
        """The note of that name; empty if there is none.

        Raises:
            ConnectionError: If the first process is gone.
        """
        try:
            key = f"csl/{name}"
            return self._store.get(key).decode() if self._store.check([key]) else ""
        except RuntimeError as error:
            raise ConnectionError("the first process is gone") from error


def _device_of(group: Group) -> torch.device:
    """Where a tensor must live to cross this group."""
    backend = dist.get_backend(group)
    return torch.device("cuda", torch.cuda.current_device()) if backend == "nccl" else torch.device("cpu")
