"""One sample far away from all others: every measure is right to six digits, or says that digits are gone."""

import inspect
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import pytest
import torch
from torch import Tensor

import csl.metrics.functional as functional
from csl.metrics.functional import (
    classifier_collapse,
    clid,
    estimate_relative_local_density,
    kmeans_clusters,
    linear_cka,
    mutual_neighbors,
)
from tests.metrics.functional.test_linear_cka import by_kernels
from tests.metrics.panel import PANEL
from tests.metrics.reference import Values, cosine_neighbors, data

SIZES = (1e4, 1e8, 1e12)


@pytest.fixture(autouse=True)
def digits() -> Iterator[None]:
    """Enough for squares of the largest features beside those of the others."""
    with mpmath.workdps(60):
        yield


def _centred(rows: np.ndarray) -> np.ndarray:
    centred: np.ndarray = rows - rows.mean(axis=0)
    return centred


def _exact(x: Tensor) -> np.ndarray:
    """The rows in numbers of 60 digits, which numpy adds and multiplies as objects."""
    return np.array([[mpmath.mpf(value) for value in row] for row in x.double().tolist()])


def _squares(rows: np.ndarray) -> list[Any]:
    """The eigenvalues of the sum of products, descending."""
    return sorted(mpmath.eigsy(mpmath.matrix((rows.T @ rows).tolist()), eigvals_only=True), reverse=True)


def _rank(values: list[Any]) -> float:
    shares = [value / sum(values) for value in values]
    return float(mpmath.exp(-sum(share * mpmath.log(share) for share in shares)))


def _rankme(x: Tensor, y: Tensor) -> Values:
    return _rank([mpmath.sqrt(value) for value in _squares(_exact(x))])


def _effective_rank(x: Tensor, y: Tensor) -> Values:
    return _rank(_squares(_centred(_exact(x))))


def _davies_bouldin(x: Tensor, y: Tensor) -> Values:
    rows = x.numpy().astype(np.longdouble)
    means = np.stack([rows[y == c].mean(axis=0) for c in range(5)])
    spreads = [np.linalg.norm((rows[y == c] - means[c]).astype(float), axis=1).mean() for c in range(5)]
    ratio = [
        max((spreads[a] + spreads[b]) / np.linalg.norm((means[a] - means[b]).astype(float)) for b in range(5) if b != a)
        for a in range(5)
    ]
    return float(np.mean(ratio))


def _neural_collapse(x: Tensor, y: Tensor) -> Values:
    """NC1 in a basis of the space of the class means; the others as the measure's own reference has them."""
    rows = _exact(x)
    means = np.stack([rows[y == c].mean(axis=0) for c in range(5)])
    basis, _ = mpmath.qr(mpmath.matrix((means[1:] - means[0]).T.tolist()), mode="skinny")
    axes = np.array(basis.tolist())
    between, inside = _centred(means) @ axes, (rows - means[y.numpy()]) @ axes
    inverse = np.array((mpmath.matrix((between.T @ between / 5).tolist()) ** -1).tolist())
    spread = float(((inside @ inverse) * inside).sum() / len(rows) / 5)
    return [spread, *np.asarray(PANEL["neural_collapse"].reference.values(x, y))[1:]]


# Where the reference of a measure's own tests has lost digits itself.
BETTER: dict[str, Callable[[Tensor, Tensor], Values]] = {
    "rankme": _rankme,
    "effective_rank": _effective_rank,
    "davies_bouldin": _davies_bouldin,
    "neural_collapse": _neural_collapse,
}


def _second(x: Tensor) -> Tensor:
    return x[:, :5].flip(0)


def _shared(x: Tensor) -> float:
    pairs = zip(cosine_neighbors(x, 9).tolist(), cosine_neighbors(_second(x), 9).tolist(), strict=True)
    return sum(len(set(a) & set(b)) for a, b in pairs) / (9 * len(x))


def _beyond_its_error(x: Tensor, y: Tensor) -> Tensor:
    """How far an estimate is from the exact value beyond five of its standard errors."""
    temperatures = [1.0, 0.1]
    value, error, *_ = estimate_relative_local_density(x, y, temperatures, samples=50)
    exact = functional.relative_local_density(x.double(), y, temperatures)
    return ((value - exact).abs() - 5 * error).clamp(min=0)


def _classifier(x: Tensor) -> Tensor:
    return torch.randn(5, x.shape[1], generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def _classifier_collapse(x: Tensor, y: Tensor) -> Values:
    """Both numbers written out, with more digits than float64 has."""
    rows, weight = _exact(x), _exact(_classifier(x))
    means = np.stack([rows[y == c].mean(axis=0) for c in range(5)])
    centers = means - rows.mean(axis=0)
    duality = sum(((weight / _length(weight) - centers / _length(centers)) ** 2).ravel()) ** 0.5
    nearest = ((rows[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
    return [float(duality), float(((rows @ weight.T).argmax(axis=1) == nearest).mean())]


def _length(values: Any) -> Any:
    return sum((values**2).ravel()) ** 0.5


class Case:
    """A function and what it must give for features and labels."""

    def __init__(self, value: Callable[[Tensor, Tensor], Tensor], expected: Callable[[Tensor, Tensor], Any]) -> None:
        self.value, self.expected = value, expected


OTHERS = {
    clid: Case(
        lambda x, y: clid(x, y)[1:],  # the other part is knn_accuracy, which the panel holds
        lambda x, y: PANEL["intrinsic_dimension"].reference.values(x, y),
    ),
    estimate_relative_local_density: Case(
        lambda x, y: _beyond_its_error(x, y),
        lambda x, y: [0.0, 0.0],
    ),
    classifier_collapse: Case(lambda x, y: classifier_collapse(x, y, _classifier(x)), _classifier_collapse),
    linear_cka: Case(lambda x, y: linear_cka(x, _second(x)), lambda x, y: by_kernels(x, _second(x))),
    mutual_neighbors: Case(lambda x, y: mutual_neighbors(x, _second(x), 9), lambda x, y: _shared(x)),
    kmeans_clusters: Case(
        lambda x, y: kmeans_clusters(x, 5).double(),
        lambda x, y: pytest.fail("clusters in float32 beside a sample so far away, and nothing said"),
    ),
}
CASES: dict[str, Case] = {
    name: Case(entry.function, BETTER.get(name, entry.reference.values)) for name, entry in PANEL.items()
} | {function.__name__: case for function, case in OTHERS.items()}


# Scores of each sample, and comparisons of two sets: not tried beside a far sample yet.
UNTRIED = {
    functional.relative_local_density_per_sample,
    functional.neighbor_purity,
    functional.neighbor_margin,
    functional.information_imbalance,
    functional.procrustes_similarity,
}


def test_every_function_is_tried() -> None:
    tried = {entry.measure.function for entry in PANEL.values()} | set(OTHERS)
    functions = {getattr(functional, name) for name in functional.__all__}
    assert {function for function in functions if inspect.isfunction(function)} <= tried | UNTRIED


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("where", ["coordinate", "row"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_right_to_six_digits_or_said(name: str, where: str, size: float, dtype: torch.dtype) -> None:
    x, y = data(100)
    x = x.to(dtype)
    if where == "coordinate":
        x[7, 3] = size
    else:
        x[7] *= size
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        value = CASES[name].value(x, y)
    if lost := [str(one.message) for one in said if "has lost digits: " in str(one.message)]:
        assert size > 1e4 or "k-means" in lost[0]
        assert "leave that sample out" in lost[0]
        return
    assert not said
    expected = torch.as_tensor(np.asarray(CASES[name].expected(x, y)), dtype=torch.float64)
    torch.testing.assert_close(value.reshape(expected.shape), expected, rtol=1e-6, atol=1e-12)
