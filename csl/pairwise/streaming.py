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

    Example:
        >>> import torch
        >>> from csl.pairwise import mean_distance
        >>> shares: list[float] = []
        >>> options: Streaming = {"memory_budget": 0, "progress": shares.append}
        >>> float(mean_distance(torch.tensor([[0.0], [1.0], [3.0]]), **options)), shares[-1]
        (2.0, 1.0)
    """

    memory_budget: int
    precision: Precision
    progress: Progress
