"""How alike two sets of features of the same samples are: one call, one table."""

import math
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from csl.checks import check_positive
from csl.io import as_array
from csl.metrics.functional.information_imbalance import imbalance_of
from csl.metrics.functional.linear_cka import alignment_of
from csl.metrics.functional.mutual_neighbors import shared_neighbors
from csl.metrics.functional.procrustes_similarity import rotated_similarity
from csl.metrics.twins import Twins
from csl.table import Cell, aligned

MEANINGS = {
    "linear_cka": "0 to 1; 1: the same but for rotation and scale; large variances decide",
    "procrustes_similarity": "0 to 1; 1: the same but for rotation and scale; small variances count more",
    "mutual_neighbors": "0 to 1; 1: every sample has the same k nearest",
    "imbalance_first_to_second": "0 to about 1; low: the nearest in the first is near in the second",
    "imbalance_second_to_first": "0 to about 1; low: the nearest in the second is near in the first",
}


class Similarity(dict[str, float]):
    """What was found, by name; printed as a table.

    Attributes:
        samples: N.
        dimensions: D of the first set and of the second.
        normalize: Whether the rows were compared with length 1.
        notes: Why values are NaN.
    """

    def __init__(self, samples: int, dimensions: tuple[int, int], normalize: bool) -> None:
        super().__init__()
        self.samples, self.dimensions, self.normalize = samples, dimensions, normalize
        self.notes: list[str] = []

    def __str__(self) -> str:
        """The table: a row a value, and what it says."""
        first, second = self.dimensions
        rows_are = "normalised to length 1" if self.normalize else "as they are"
        head = f"{self.samples:,} samples in {first:,} and in {second:,} dimensions; features {rows_are}"
        rows: list[list[Cell]] = [["Similarity", "value", ""]]
        for name, value in self.items():
            rows.append([f"  {name}", value, next(words for one, words in MEANINGS.items() if name.startswith(one))])
        return "\n".join([head, "", *aligned(rows, "lrl", [0, 11, 0]), *([""] if self.notes else []), *self.notes])

    def to_json(self) -> dict[str, Any]:
        """Everything, with null where a number is not finite."""
        return {
            "samples": self.samples,
            "dimensions": list(self.dimensions),
            "normalize": self.normalize,
            "values": {name: value if math.isfinite(value) else None for name, value in self.items()},
            "notes": self.notes,
        }


def similarity(
    first: Any,
    second: Any,
    *,
    ks: Sequence[int] = (10, 100),
    normalize: bool = True,
    watch: Callable[[str, float], None] | None = None,
) -> Similarity:
    """Compare two sets of features of the same samples: linear CKA, Procrustes, neighbours, information imbalance.

    Args:
        first: `[N, D]`, a tensor or any array-like, see `csl.io.as_array`.
        second: `[N, E]`, row i being the same sample as row i of `first`.
        ks: Numbers of neighbours of `mutual_neighbors`.
        normalize: Compare the rows with length 1; false for the rows as they are.
        watch: Called with what is computed and the share that is done, from 0 to 1.

    Raises:
        ValueError: If one is no finite matrix of numbers, they have not as many rows, or a k is below 1.

    Example:
        >>> import torch
        >>> rows = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
        >>> found = similarity(rows, rows.flip(1), ks=[5])
        >>> {name: round(value, 3) for name, value in found.items()}  # 0.04 is 2 / N, the least there is
        {'linear_cka': 1.0, 'procrustes_similarity': 1.0, 'mutual_neighbors_5': 1.0,
         'imbalance_first_to_second': 0.04, 'imbalance_second_to_first': 0.04}
    """
    for k in ks:
        check_positive(ks=k)
    rows = [_matrix(one, name) for one, name in ((first, "first"), (second, "second"))]
    twins = Twins(rows[0], rows[1], normalize=normalize, neighbors=tuple(ks))
    found = Similarity(len(rows[0]), (rows[0].shape[1], rows[1].shape[1]), normalize)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number, (name, value) in enumerate(_values(twins, ks), start=1):
            found[name] = float(value)
            if watch is not None:
                watch(name, number / (len(ks) + 4))
    found.notes += dict.fromkeys(str(warning.message) for warning in caught)
    return found


def _values(twins: Twins, ks: Sequence[int]) -> Iterator[tuple[str, Tensor]]:
    yield "linear_cka", alignment_of(twins)
    yield "procrustes_similarity", rotated_similarity(twins)
    for k in ks:
        yield f"mutual_neighbors_{k}", shared_neighbors(twins, k)
    there, back = imbalance_of(twins)
    yield "imbalance_first_to_second", there
    yield "imbalance_second_to_first", back


def _matrix(given: Any, name: str) -> Tensor:
    found = as_array(given, name)
    if not isinstance(found, Tensor) or found.ndim != 2:
        raise ValueError(f"{name}: expected a matrix of numbers [N, D], got shape {list(found.shape)}")
    return found if found.is_floating_point() else found.float()
