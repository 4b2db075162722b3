"""Lists of edges: each edge once in each direction, in order."""

import torch
from torch import Tensor

from csl.distributed import Shard, ring


def distinct_pairs(first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Both directions of each pair `(first_i, second_i)`, as rows, columns and weights in ascending order.

    The first mention of a pair, in either order, gives its weight; a weight of zero is no edge.

    Raises:
        ValueError: Where shapes differ, a node is out of range, or an edge joins a node to itself.

    Example:
        >>> first, second, weights = torch.tensor([2, 0]), torch.tensor([0, 2]), torch.tensor([5.0, 6.0])
        >>> [part.tolist() for part in distinct_pairs(first, second, weights, 3)]
        [[0, 2], [2, 0], [5.0, 5.0]]
    """
    _check_pairs(first, second, weights, num_nodes)
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    keys, order = torch.sort(low * num_nodes + high, stable=True)
    chosen = order[_first_of_equal(keys)]
    chosen = chosen[weights[chosen] != 0]
    low, high, weights = low[chosen], high[chosen], weights[chosen].double()
    rows, columns = torch.cat([low, high]), torch.cat([high, low])
    order = torch.argsort(rows * num_nodes + columns)
    return rows[order], columns[order], torch.cat([weights, weights])[order]


def merged_neighbors(columns: Tensor, weights: Tensor, shard: Shard) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All mentions of edges at this process's nodes: those by the nodes themselves and those by other nodes.

    Args:
        columns: The neighbours that each of this process's nodes names `[n, k]`.
        weights: Their weights `[n, k]`.
        shard: Which nodes each process owns.

    Returns:
        For each mention the node of this process, the other node, the weight, and whether the lower of both made it.
    """
    own = shard.own
    found = []
    for owner, (named, values) in ring((columns, weights.double()), shard.group):
        first = shard.start_of(owner)
        naming = torch.arange(first, first + len(named), device=named.device).repeat_interleave(named.shape[1])
        named, values = named.flatten(), values.flatten()
        if first == own.start:
            found.append((naming, named, values, naming < named))
        ours = (named >= own.start) & (named < own.stop)
        found.append((named[ours], naming[ours], values[ours], naming[ours] < named[ours]))
    rows, others, numbers, by_lower = (torch.cat(parts) for parts in zip(*found, strict=True))
    return rows, others, numbers, by_lower


def distinct_edges(
    rows: Tensor, columns: Tensor, weights: Tensor, by_lower: Tensor, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Each edge once, in ascending order; of two mentions that of the lower node, and none of weight zero."""
    edges = rows * num_nodes + columns
    keys, order = torch.sort(2 * edges + (~by_lower).long())
    order = order[_first_of_equal(keys // 2)]
    order = order[weights[order] != 0]
    return rows[order], columns[order], weights[order]


def _first_of_equal(keys: Tensor) -> Tensor:
    """Where a sorted list starts a new value `[P]`, bool."""
    starts = torch.ones_like(keys, dtype=torch.bool)
    starts[1:] = keys[1:] != keys[:-1]
    return starts


def _check_pairs(first: Tensor, second: Tensor, weights: Tensor, num_nodes: int) -> None:
    if not first.shape == second.shape == weights.shape or first.ndim != 1:
        shapes = [tuple(tensor.shape) for tensor in (first, second, weights)]
        raise ValueError(f"first, second, weights: expected three vectors of one length, got shapes {shapes}")
    ends = torch.cat([first, second])
    if len(ends) and not 0 <= int(ends.min()) <= int(ends.max()) < num_nodes:
        raise ValueError(
            f"first, second: expected nodes in 0..{num_nodes - 1}, got {int(ends.min())}..{int(ends.max())}"
        )
    if bool((first == second).any()):
        raise ValueError(f"first, second: expected no edge from a node to itself, got {int((first == second).sum())}")
