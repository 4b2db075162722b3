"""What the tests of a measure hold against it: the same numbers by another way, and what must not change them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from tests.pairwise.hard_data import ordinary

Values = float | list[float]
ANY = ("scale", "rotation", "shift")
COSINE = ("scale", "rotation", "length")


class Reference(NamedTuple):
    """One for each measure of a test's file, in its `REFERENCES`, by the measure's name.

    Attributes:
        values: What the measure gives, computed another way from (features, labels).
        invariant: Which of scale, rotation and shift leave the value as it is (and length, of every row by itself).
        options: Of the measure.
        two_samples: The value of two opposite samples of two classes; NaN unless stated.
        one_class: That of samples of one class; "reference" for what `values` gives, NaN unless stated.
        identical: That of samples that are all the same; NaN unless stated, "number" for any.
        one_sample: That of a single sample.
        hard: How far it may be from its reference where careless arithmetic goes wrong; not tried there for None.
        hard_but: Such cases that are left out, with the reason.
    """

    values: Callable[[Tensor, Tensor], Values]
    invariant: tuple[str, ...]
    options: Mapping[str, Any] = {}
    two_samples: list[float] | None = None
    one_class: list[float] | str | None = None
    identical: list[float] | str | None = None
    one_sample: float | None = None
    hard: float | None = None
    hard_but: Mapping[str, str] = {}


def data(n: int = 100) -> tuple[Tensor, Tensor]:
    """Five classes, a little apart."""
    labels = torch.arange(n) % 5
    return ordinary(n, 8) + torch.eye(8)[labels], labels


def unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x.double(), dim=1)


def cosine_neighbors(x: Tensor, k: int) -> np.ndarray:
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(x.double().numpy())
    return np.asarray(search.kneighbors(n_neighbors=k, return_distance=False))


def shannon_rank(values: np.ndarray) -> float:
    """The exponential of the entropy with the 1e-7 of the papers' formula."""
    p = values / np.abs(values).sum() + 1e-7
    return float(np.exp(-(p * np.log(p)).sum()))


def eigenvalues(x: Tensor) -> np.ndarray:
    return np.linalg.eigvalsh(np.cov(x.double().numpy(), rowvar=False))[::-1]
