"""The most similar keys of each query, by cosine."""

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from csl.distributed import Group, ring, row_counts
from csl.pairwise.blocks import blocks
from csl.pairwise.checks import check_features, check_neighbors
from csl.pairwise.precision import full_precision
from csl.pairwise.top import TopColumns

_QUERIES, _KEYS = 1024, 4096
_TINY = 1e-150  # shorter vectors than this count as zero


@full_precision()
def top_cosine(
    queries: Tensor, keys: Tensor, k: int, *, group: Group = None, exclude: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The k keys of the group with the highest cosine similarity to each query of this process.

    Args:
        queries: This process's queries `[q, D]`; each process may have any number.
        keys: This process's share of the keys `[n, D]`.
        k: How many keys, 1 to the number there are.
        group: The processes that hold the other keys.
        exclude: One global key row a query `[q]` to leave out, such as the query itself.

    Returns:
        Similarities `[q, k]`, float32, descending, and the global key rows `[q, k]` they belong to, int64; of equal
        ones the lower key row comes first. A vector of zeros has similarity 0 to everything.

    Raises:
        ValueError: If queries or keys are no finite floating-point matrix, or k is out of range.

    Example:
        >>> keys = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
        >>> top_cosine(torch.tensor([[1.0, 0.1]]), keys, 2)[1]
        tensor([[0, 2]])
    """
    check_features(queries, group, "queries")
    check_features(keys, group, "keys")
    counts = row_counts(len(keys), group)
    check_neighbors(k, sum(counts) - (exclude is not None))
    queries, keys = _unit(queries), _unit(keys)
    best = TopColumns(len(queries), k, queries.device)
    for owner, (visiting,) in ring((keys,), group):
        start = sum(counts[:owner])
        for columns in blocks(len(visiting), _KEYS):
            for rows in blocks(len(queries), _QUERIES):
                scores = queries[rows] @ visiting[columns].T
                if exclude is not None:
                    _leave_out(scores, exclude[rows].to(scores.device) - start - columns.start)
                best.add(rows, start + columns.start, scores)
    found = best.take()
    return found.scores, found.columns


def _unit(rows: Tensor) -> Tensor:
    """Rows of length 1, float32; a block at a time in float64, in which no float32 row over- or underflows."""
    unit = torch.empty(rows.shape, dtype=torch.float32, device=rows.device)
    for part in blocks(len(rows), _KEYS):
        unit[part] = normalize(rows[part].double(), dim=1, eps=_TINY).float()
    return unit


def _leave_out(scores: Tensor, columns: Tensor) -> None:
    inside = (columns >= 0) & (columns < scores.shape[1])
    scores[inside.nonzero()[:, 0], columns[inside]] = -math.inf
