"""The k best columns of each row, kept while tiles pass by."""

import math

import torch
from torch import Tensor


class TopColumns:
    """Keeps, for a block of rows, the k columns of the highest score seen so far; of equal ones the lower column.

    Args:
        rows: How many rows there are.
        k: How many columns to keep of each.
        device: Where the scores live.
        extras: How many further values to keep beside each score.
    """

    def __init__(self, rows: int, k: int, device: torch.device, extras: int = 0) -> None:
        self.k = k
        self.scores = torch.full((rows, k), -math.inf, device=device)
        self.columns = torch.full((rows, k), torch.iinfo(torch.int64).max, device=device)
        self.extras = [torch.zeros(rows, k, device=device) for _ in range(extras)]

    def add(self, rows: slice, first_column: int, scores: Tensor, *extras: Tensor) -> None:
        """Take in a tile of scores `[rows, columns]`, float32, and the values that travel with them."""
        index = _top(scores, min(self.k, scores.shape[1]))
        best = torch.cat([self.scores[rows], scores.gather(1, index)], dim=1)
        columns = torch.cat([self.columns[rows], index + first_column], dim=1)
        kept = [
            torch.cat([old[rows], new.gather(1, index)], dim=1) for old, new in zip(self.extras, extras, strict=True)
        ]
        order = rank_columns(best, columns)[:, : self.k]
        self.scores[rows], self.columns[rows] = best.gather(1, order), columns.gather(1, order)
        for old, values in zip(self.extras, kept, strict=True):
            old[rows] = values.gather(1, order)


def rank_columns(scores: Tensor, columns: Tensor) -> Tensor:
    """The order `[n, k]` of descending scores, and of ascending columns where scores are equal."""
    by_column = columns.argsort(dim=1)
    by_score = scores.gather(1, by_column).argsort(dim=1, descending=True, stable=True)
    return by_column.gather(1, by_score)


def _top(scores: Tensor, k: int) -> Tensor:
    """Positions of the k highest scores of each row; among those equal to the last one, the lowest positions."""
    width = scores.shape[1]
    values, index = scores.topk(min(k + 1, width), dim=1)
    if k == width:
        return index
    # topk may take any of several equal scores; sorting settles it, for the few rows where one more would qualify.
    tied = values[:, k - 1] == values[:, k]
    if bool(tied.any()):
        index[tied, :k] = scores[tied].argsort(dim=1, descending=True, stable=True)[:, :k]
    return index[:, :k]
