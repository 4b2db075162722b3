"""The k best columns of each row, kept while tiles pass by."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

_NOTES = 128  # places for notes that a row has at least
_LATEST = torch.iinfo(torch.int32).max  # column of a place that nothing has taken: after every other


class Best(NamedTuple):
    """The best columns of each row, best first.

    Attributes:
        scores: `[n, k]`, descending.
        columns: Their numbers `[n, k]`, int64; of equal scores the lower one comes first.
        values: What travelled with each score `[n, k]`; None if nothing did.
    """

    scores: Tensor
    columns: Tensor
    values: Tensor | None


class TopColumns:
    """Keeps, for some rows, the k columns of the highest score seen so far; of equal ones the lower column.

    Most scores of a tile are below a row's k-th best and cost one comparison. The others are only noted down, and a
    row's notes are sorted out when the space for them, that of the best or more, runs short: a few times in all.

    Args:
        rows: How many rows there are.
        k: How many columns to keep of each.
        device: Where the scores live.
        with_values: Whether a further value travels with each score.

    Example:
        >>> best = TopColumns(1, 2, torch.device("cpu"))
        >>> best.add(slice(0, 1), 0, torch.tensor([[3.0, 1.0]]))
        >>> best.add(slice(0, 1), 2, torch.tensor([[2.0, 3.0]]))
        >>> best.take().columns
        tensor([[0, 3]])
    """

    def __init__(self, rows: int, k: int, device: torch.device, *, with_values: bool = False) -> None:
        self.k, self.space = k, k + max(k, _NOTES)
        self._scores = torch.full((rows, self.space), -math.inf, device=device)
        self._columns = torch.full((rows, self.space), _LATEST, dtype=torch.int32, device=device)
        self._values = torch.zeros(rows, self.space, device=device) if with_values else None
        self._used = torch.zeros(rows, dtype=torch.int64, device=device)
        # Above −inf, the score of what must never be chosen.
        self._least = torch.full((rows,), torch.finfo(torch.float32).min, device=device)

    def add(self, rows: slice, first_column: int, scores: Tensor, values: Tensor | None = None) -> None:
        """Take in a tile of scores `[rows, columns]`, float32, and the values that travel with them.

        A score of −inf is never taken.
        """
        i, j = self._candidates(rows, scores)
        taken = scores[i, j]
        if int((self._used[rows] + i.bincount(minlength=len(scores))).amax()) > self.space:
            self._sort_out(rows)
            still = taken >= self._least[rows][i]
            i, j, taken = i[still], j[still], taken[still]
        counts = i.bincount(minlength=len(scores))
        if int(counts.amax()) > self.space - self.k:
            i, j = self._best_of_tile(rows, scores)
            taken, counts = scores[i, j], torch.full_like(counts, self.k)
        places = torch.arange(len(i), device=i.device) - (counts.cumsum(0) - counts)[i] + self._used[rows][i]
        at = (i + rows.start) * self.space + places
        self._scores.view(-1)[at] = taken
        self._columns.view(-1)[at] = (j + first_column).int()
        if self._values is not None and values is not None:
            self._values.view(-1)[at] = values[i, j]
        self._used[rows] += counts

    def _candidates(self, rows: slice, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Positions in the tile that may be among the best of their row, row by row."""
        width = scores.shape[1]
        if width > self.k and int(self._used[rows].amax()) == 0:
            return self._best_of_tile(rows, scores)
        i, j = (scores >= self._least[rows, None]).nonzero(as_tuple=True)
        return i, j

    def _best_of_tile(self, rows: slice, scores: Tensor) -> tuple[Tensor, Tensor]:
        """Positions of the k best of each row of the tile, row by row; nothing below them will be good enough."""
        index = _top(scores, self.k)
        self._raise(rows, scores.gather(1, index))
        i = torch.arange(len(index), device=index.device).repeat_interleave(self.k)
        return i, index.flatten()

    def _raise(self, rows: slice, best: Tensor) -> None:
        """From now on only what is not below k known scores `[rows, k]` counts."""
        self._least[rows] = torch.maximum(self._least[rows], best.amin(dim=1))

    def take(self) -> Best:
        """The best columns; every row must have been offered k of a score above −inf."""
        self._sort_out(slice(0, len(self._scores)))
        scores, columns = self._scores[:, : self.k], self._columns[:, : self.k].long()
        order = rank_columns(scores, columns)
        values = None if self._values is None else self._values[:, : self.k].gather(1, order)
        return Best(scores.gather(1, order), columns.gather(1, order), values)

    def _sort_out(self, rows: slice) -> None:
        """Keep the best k of each row's notes, in no order."""
        k, scores = self.k, self._scores[rows]
        index = _top(scores, k, self._columns[rows])
        for notes in (self._scores, self._columns, self._values):
            if notes is not None:
                notes[rows, :k] = notes[rows].gather(1, index)
        scores[:, k:] = -math.inf
        self._used[rows] = self._used[rows].clamp(max=k)
        self._raise(rows, scores[:, :k])


def rank_columns(scores: Tensor, columns: Tensor) -> Tensor:
    """The order `[n, k]` of descending scores, and of ascending columns where scores are equal."""
    by_column = columns.argsort(dim=1)
    by_score = scores.gather(1, by_column).argsort(dim=1, descending=True, stable=True)
    return by_column.gather(1, by_score)


def _top(scores: Tensor, k: int, columns: Tensor | None = None) -> Tensor:
    """Positions of the k highest scores of each row; of those equal to the last one, those of the lowest columns."""
    width = scores.shape[1]
    values, index = scores.topk(min(k + 1, width), dim=1)
    if k == width:
        return index
    # topk may take any of several equal scores; sorting settles it, for the few rows where one more would qualify.
    tied = (values[:, k - 1] == values[:, k]) & (values[:, k] > -math.inf)
    if bool(tied.any()):
        rows = scores[tied]
        order = (
            rows.argsort(dim=1, descending=True, stable=True) if columns is None else rank_columns(rows, columns[tied])
        )
        index[tied, :k] = order[:, :k]
    return index[:, :k]
