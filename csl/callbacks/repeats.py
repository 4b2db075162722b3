"""Rows that a sampler gave twice, so that all processes have as many."""

from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_info

from csl.distributed import Shard, world
from csl.types import Features


def num_images(loader: Any) -> int | None:
    """How many images a loader's data set has; None for one without a length."""
    try:
        return len(loader.dataset)
    except (AttributeError, TypeError):
        return None


def unrepeated(rows: Features, count: int | None) -> Features:
    """The rows of this process, without those that another process, or an earlier row of this one, has too.

    Lightning gives loaders of one's own a sampler that repeats samples until all processes have as many. Samples are
    told apart by `index`; the first of equal ones, in the order of the processes, stays.

    Args:
        rows: This process's rows.
        count: How many samples the set has; None where nobody knows.

    Raises:
        ValueError: On every process, if there are more rows than samples and `index` does not tell which are repeated.

    Example:
        >>> rows = Features(torch.ones(2, 3), torch.tensor([0, 1]), torch.tensor([0, 1]))
        >>> unrepeated(rows, 2) is rows
        True
    """
    group = world()
    shard = Shard.of(len(rows.index), group)
    if group is None or count is None or shard.total <= count:
        return rows
    index = shard.gather(rows.index)
    first = _first_of_each(index)
    if int(first.sum()) != count:
        raise ValueError(
            f"index: expected the position of each of {count:,} images in its data set, to tell which of "
            f"{len(index):,} rows the sampler has repeated; got {int(first.sum()):,} different ones"
        )
    rank_zero_info(
        f"{len(index) - count:,} of {len(index):,} rows of an evaluation set were left out: the sampler of its loader "
        "repeats images so that all processes have as many"
    )
    own = first[shard.own]
    return Features(*(column[own.to(column.device)] for column in rows))


def _first_of_each(index: torch.Tensor) -> torch.Tensor:
    """Which entries `[N]` no earlier one equals.

    Example:
        >>> _first_of_each(torch.tensor([3, 1, 3, 1, 2]))
        tensor([ True,  True, False, False,  True])
    """
    order = index.argsort(stable=True)
    sorted_index = index[order]
    is_first = torch.ones_like(index, dtype=torch.bool)
    is_first[order[1:]] = sorted_index[1:] != sorted_index[:-1]
    return is_first
