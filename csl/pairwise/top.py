"""The k best columns of each row, kept while tiles pass by."""

from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from csl.pairwise.selection import ascending, at_most

_NOTES = 128  # places for notes that a row has at least
_GROUP = 16  # columns of which only the best is looked at for a first bound
_LATEST = torch.iinfo(torch.int32).max  # column of a place that nothing has taken: after every other


class Best(NamedTuple):
    """The best columns of each row, best first.

    Attributes:
        costs: `[n, k]`, ascending, float32.
        columns: Their numbers `[n, k]`, int64; of equal costs the lower one comes first.
        values: What travelled with each cost `[n, k]`; None if nothing did.
    """

    costs: Tensor
    columns: Tensor
    values: Tensor | None


class TopColumns:
    """Keeps, for some rows, the k columns of the lowest cost seen so far; of equal ones the lower column.

    Most costs of a tile are above a row's bound, its k-th lowest so far or more, and cost one comparison. The others
    are only noted down, and a row's notes are sorted out when the space for them, that of the best or more, runs
    short: a few times in all. Several workers may add tiles at a time; what is kept does not depend on their order.

    Args:
        rows: How many rows there are.
        k: How many columns to keep of each.
        device: Where the costs live.
        with_values: Whether a further value travels with each cost.
        numbers: What the columns are called `[N]`; as they are counted if None.

    Example:
        >>> best = TopColumns(1, 2, torch.device("cpu"))
        >>> best.add(slice(0, 1), 0, torch.tensor([[1.0, 3.0]]))
        >>> best.add(slice(0, 1), 2, torch.tensor([[2.0, 1.0]]))
        >>> best.take().columns
        tensor([[0, 3]])
    """

    def __init__(
        self, rows: int, k: int, device: torch.device, *, with_values: bool = False, numbers: Tensor | None = None
    ) -> None:
        self.k, self.space = k, k + max(k, _NOTES)
        # Workers do not share the caller's inference mode, outside of which inference tensors cannot be written to.
        with torch.inference_mode(False):
            self._costs = torch.full((rows, self.space), torch.inf, device=device)
            self._columns = torch.full((rows, self.space), _LATEST, dtype=torch.int32, device=device)
            self._values = torch.zeros(rows, self.space, device=device) if with_values else None
            self._used = torch.zeros(rows, dtype=torch.int64, device=device)
            # Below infinity, the cost of what must never be chosen.
            self._most = torch.finfo(torch.float32).max
            self._bounds = torch.full((rows,), self._most, device=device)
        self._numbers = numbers
        self._lock = Lock()

    def add(self, rows: slice, first_column: int, costs: Tensor, values: Tensor | None = None) -> None:
        """Take in a tile of costs `[rows, columns]`, float32, and the values that travel with them.

        An infinite cost is never taken.
        """
        at = at_most(costs, self._bounds_for(rows, costs, dim=1)[:, None])
        i = at // costs.shape[1]
        self._note(rows, i, at - i * costs.shape[1] + first_column, costs, values, at)

    def add_mirrored(self, rows: slice, first_column: int, costs: Tensor, values: Tensor | None = None) -> None:
        """As `add`, of a tile `[columns, rows]`."""
        at = at_most(costs, self._bounds_for(rows, costs, dim=0))
        j = at // costs.shape[1]
        i = at - j * costs.shape[1]
        order = ascending(i)
        self._note(rows, i[order], j[order] + first_column, costs, values, at[order])

    def _bounds_for(self, rows: slice, costs: Tensor, dim: int) -> Tensor:
        """What the costs of these rows must not exceed to be among the best; columns lie along `dim` of the tile."""
        bounds, width = self._bounds[rows], costs.shape[dim]
        if width <= self.k or not bool((bounds == self._most).any()):
            return bounds
        # The k-th lowest of the least of groups of columns: at least k columns cost no more.
        group = max(1, min(_GROUP, width // (2 * self.k)))
        groups = costs.narrow(dim, 0, width // group * group)
        groups = groups.reshape(group, -1, costs.shape[1]) if dim == 0 else groups.reshape(len(costs), group, -1)
        least = groups.amin(dim=dim).movedim(dim, 1)
        bounds = torch.minimum(bounds, least.topk(self.k, dim=1, largest=False, sorted=False).values.amax(dim=1))
        with self._lock:
            self._bounds[rows] = torch.minimum(self._bounds[rows], bounds)
        return bounds

    def _note(self, rows: slice, i: Tensor, j: Tensor, costs: Tensor, values: Tensor | None, at: Tensor) -> None:
        """Note down the costs at these places of a tile: those of row i, ascending, and of column j."""
        columns = (j if self._numbers is None else self._numbers[j]).int()
        notes = [costs.take(at), columns] if values is None else [costs.take(at), columns, values.take(at)]
        with self._lock:
            while len(i):
                counts = i.bincount(minlength=rows.stop - rows.start)
                used = self._used[rows]
                free = torch.arange(rows.start, rows.stop, device=i.device) * self.space + used
                to = (free - (counts.cumsum(0) - counts))[i].add_(torch.arange(len(i), device=i.device))
                if int((counts + used).amax()) <= self.space:
                    self._write(to, notes)
                    self._used[rows] += counts
                    return
                fits = to < (i + (rows.start + 1)) * self.space
                first = fits.nonzero()[:, 0]
                self._write(to[first], [part[first] for part in notes])
                self._used[rows] = (used + counts).clamp(max=self.space)
                self._sort_out(rows)
                late = (~fits & (notes[0] <= self._bounds[rows][i])).nonzero()[:, 0]
                i, notes = i[late], [part[late] for part in notes]

    def _write(self, to: Tensor, notes: list[Tensor]) -> None:
        for kept, part in zip((self._costs, self._columns, self._values), notes, strict=False):
            if kept is not None:
                kept.view(-1).scatter_(0, to, part)

    def take(self) -> Best:
        """The best columns; every row must have been offered k of a finite cost."""
        self._sort_out(slice(0, len(self._costs)))
        costs, columns = self._costs[:, : self.k], self._columns[:, : self.k].long()
        order = rank_columns(costs, columns)
        values = None if self._values is None else self._values[:, : self.k].gather(1, order)
        return Best(costs.gather(1, order), columns.gather(1, order), values)

    def _sort_out(self, rows: slice) -> None:
        """Keep the best k of each row's notes, in no order."""
        k, costs = self.k, self._costs[rows]
        index = _lowest(costs, k, self._columns[rows])
        for notes in (self._costs, self._columns, self._values):
            if notes is not None:
                notes[rows, :k] = notes[rows].gather(1, index)
        costs[:, k:] = torch.inf
        self._used[rows] = self._used[rows].clamp(max=k)
        self._bounds[rows] = torch.minimum(self._bounds[rows], costs[:, :k].amax(dim=1))


def rank_columns(costs: Tensor, columns: Tensor) -> Tensor:
    """The order `[n, k]` of ascending costs, and of ascending columns where costs are equal."""
    ranked, order = costs.sort(dim=1)
    tied = (ranked[:, 1:] == ranked[:, :-1]).any(dim=1)
    if bool(tied.any()):
        by_column = columns[tied].argsort(dim=1)
        by_cost = costs[tied].gather(1, by_column).argsort(dim=1, stable=True)
        order[tied] = by_column.gather(1, by_cost)
    return order


def _lowest(costs: Tensor, k: int, columns: Tensor) -> Tensor:
    """Positions of the k lowest costs of each row; of those equal to the last one, those of the lowest columns."""
    values, index = costs.topk(k, dim=1, largest=False, sorted=False)
    last = values.amax(dim=1, keepdim=True)
    # topk may take any of several equal costs; sorting settles it, for the few rows where one more would qualify.
    tied = ((costs <= last).sum(dim=1) > k) & last[:, 0].isfinite()
    if bool(tied.any()):
        index[tied] = rank_columns(costs[tied], columns[tied])[:, :k]
    return index
