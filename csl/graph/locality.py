"""An order of a graph's nodes in which neighbours stand near each other, so that products find them in the cache."""

import torch
from torch import Tensor


def local_order(row_starts: Tensor, columns: Tensor, weights: Tensor) -> Tensor:
    """The nodes of a graph, group by group `[N]`, int64; most edges of a graph of neighbours lie within groups.

    Groups grow around centres, of which no two are linked and to one of which every other node is (a maximal
    independent set, chosen greedily). Each node joins the centre to which its weight is largest.

    Args:
        row_starts: Where the edges of each node start, and where the last end `[N + 1]`, int64, on the CPU.
        columns: The other node of each edge `[E]`, each edge in both directions.
        weights: Of the edges `[E]`.

    Example:
        >>> from csl.graph import SparseGraph
        >>> first, second = torch.tensor([0, 2, 1, 3]), torch.tensor([2, 4, 3, 5])
        >>> graph = SparseGraph.from_pairs(first, second, torch.tensor([2.0, 1.0, 2.0, 1.0]), num_nodes=6)
        >>> local_order(graph.row_starts, graph.columns, graph.weights).tolist()
        [0, 2, 1, 3, 4, 5]
    """
    centres = _centres(row_starts, columns)
    numbers = torch.full((len(row_starts) - 1,), -1)
    numbers[centres] = torch.arange(len(centres))
    edges = torch.nonzero(numbers[columns] >= 0).squeeze(1)
    edges = edges[weights[edges].argsort(stable=True)]
    # By row, and within a row by weight: its last edge is the heaviest to a centre.
    rows = torch.searchsorted(row_starts, edges, right=True) - 1
    rows, by_row = rows.sort(stable=True)
    last = torch.cat([rows[1:] != rows[:-1], rows.new_ones(min(1, len(rows)), dtype=torch.bool)])
    groups = numbers.clone()
    groups[rows[last]] = numbers[columns[edges[by_row[last]]]]
    groups[centres] = numbers[centres]
    return groups.argsort(stable=True)


def _centres(row_starts: Tensor, columns: Tensor) -> Tensor:
    """Nodes of which no two are linked, and to one of which every other node is."""
    near = columns.numpy()
    starts = row_starts.tolist()
    taken = torch.zeros(len(starts) - 1, dtype=torch.bool).numpy()
    centres = []
    for node in range(len(taken)):
        if not taken[node]:
            centres.append(node)
            taken[near[starts[node] : starts[node + 1]]] = True
    return torch.tensor(centres, dtype=torch.int64)
