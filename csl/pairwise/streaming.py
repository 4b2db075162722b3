"""What every function that streams over the pairs lets its caller choose."""

from collections.abc import Callable
from typing import Literal, TypeAlias, TypedDict

MEMORY_BUDGET = 256 * 2**20  # the distances of up to about 10,500 samples are kept between the passes

Progress: TypeAlias = Callable[[float], None]
Precision: TypeAlias = Literal["ieee", "tf32"]


class Streaming(TypedDict, total=False):
    """Keyword arguments that change how long a computation takes and what it needs, and not what it computes.

    Attributes:
        memory_budget: Bytes of distances that each process may keep between its passes over the pairs; where they do
            not all fit, none are kept and every pass computes them again. 256 MiB unless told otherwise.
        precision: "ieee", the default, or "tf32": features are rounded to 11 significant bits, which lets CUDA
            multiply them in tensor cores; distances between the rounded features are as exact as before. Elsewhere
            the rounding is the same and nothing is gained. The measured error stands in `benchmarks/results/rld.md`.
        progress: Called now and then with the share of this process's work that is done, from 0 to 1.
        tile_side: How many rows and columns are worked on at a time; 1024 on CPUs, 8192 elsewhere unless told
            otherwise.

    Example:
        >>> import torch
        >>> from csl.pairwise import Pairs
        >>> shares: list[float] = []
        >>> options: Streaming = {"memory_budget": 0, "progress": shares.append}
        >>> round(float(Pairs(torch.tensor([[0.0], [1.0], [3.0]]), passes=1, **options).mean), 6), shares[-1]
        (2.0, 1.0)
    """

    memory_budget: int
    precision: Precision
    progress: Progress
    tile_side: int


class PassCount:
    """How many passes have been made and how many are still expected, told as the share of the work that is done.

    Args:
        expected: How many passes are to come.
        tell: Called with the share, from 0 to 1, which never goes back, however many passes turn out to be needed.

    Example:
        >>> count = PassCount(2, print)
        >>> count.at(0.5)
        0.25
        >>> count.done()
        0.5
    """

    def __init__(self, expected: int, tell: Progress | None = None) -> None:
        self._expected, self._tell = expected, tell
        self._done, self._told = 0, 0.0

    def expect(self, passes: int) -> None:
        """From now on so many passes are still to come, with the one that has begun."""
        self._expected = self._done + passes

    def at(self, share: float) -> None:
        """Tell that this share of a pass is done."""
        if self._tell is not None:
            self._told = max(self._told, min(1.0, (self._done + share) / max(1, self._expected)))
            self._tell(self._told)

    def done(self) -> None:
        """Tell that a pass is done."""
        self.at(1.0)
        self._done += 1
