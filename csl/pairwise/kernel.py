"""The kernel a = exp(−d / (mu T)) in float32, taken relative to distances that keep it in range."""

from typing import NamedTuple

from torch import Tensor

from csl.pairwise.tiles import Tile

# With one reference for all rows, their kernels may differ by exp(20) before float32 squares could lose a row's
# largest entries: what underflows then is below exp(−47) of it.
_SHARED_SPREAD = 20.0


class Kernel(NamedTuple):
    """`a_ij = exp(−rate (d_ij − reference_i))` of one temperature.

    Attributes:
        rate: `1 / (mu T)`.
        reference: The distance that counts as 1: one for all rows `[]`, or each row's nearest neighbour `[N]`, with
            which no row underflows, however far out it lies and however small T is.
    """

    rate: float
    reference: Tensor

    @classmethod
    def around(cls, nearest: Tensor, rate: float) -> "Kernel":
        """A kernel that keeps rows with these nearest distances `[N]` in range, with one reference if possible."""
        lowest, highest = nearest.amin(), nearest.amax()
        shared = float(highest - lowest) * rate <= _SHARED_SPREAD
        return cls(rate, lowest if shared else nearest)

    def sums(self, tile: Tile) -> tuple[Tensor, Tensor]:
        """Sums over the tile's columns, one a row, and over its rows, one a column, float64."""
        if self.reference.ndim == 0:
            values = self._exp(tile.distances - self.reference)
            return values.sum(dim=1).double(), values.sum(dim=0).double()
        by_row = self._exp(tile.distances - self.reference[tile.rows, None])
        by_column = self._exp(tile.distances - self.reference[tile.columns])
        return by_row.sum(dim=1).double(), by_column.sum(dim=0).double()

    def squares(self, tile: Tile) -> Tensor:
        """`a_ij a_ji` of the tile: the numerator of w, each factor relative to its own row, so at most 1."""
        if self.reference.ndim == 0:
            return self._exp((tile.distances - self.reference).mul_(2))
        above_row = tile.distances - self.reference[tile.rows, None]
        return self._exp(above_row.add_(tile.distances).sub_(self.reference[tile.columns]))

    def log(self, sums: Tensor) -> Tensor:
        """The logarithm of row sums `[N]` of `a` without the reference."""
        return sums.log() - self.rate * self.reference.double()

    def _exp(self, above: Tensor) -> Tensor:
        return above.mul_(-self.rate).exp_()
