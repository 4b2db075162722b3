import pytest
import sklearn.metrics
import torch
from sklearn.metrics import calinski_harabasz_score as reference
from torch import Tensor

from csl.metrics.functional import calinski_harabasz_score
from csl.study.shapes import draw
from tests.metrics.reference import ANY, Reference, Values
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def _chs(x: Tensor, y: Tensor) -> Values:
    return float(sklearn.metrics.calinski_harabasz_score(x.double().numpy(), y.numpy()))


REFERENCES = {
    "calinski_harabasz": Reference(_chs, ANY, hard=1e-4),
}


def _data(n: int = 200) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 7
    return ordinary(n, 8) + torch.eye(8)[labels], labels


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e7])
def test_equals_scikit_learn(offset: float) -> None:
    features, labels = _data()
    features = features.double() + offset
    ours = calinski_harabasz_score(features, 3 * labels - 9)
    assert float(ours) == pytest.approx(reference(features.numpy() - offset, labels.numpy()), rel=1e-6)


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [("uniform", 0, 5), ("circles", 0, 4), ("lines", 0, 4), ("small clumps", 1, 50), ("Gaussians", 1e4, 1.5e4)],
)
def test_synthetic_shapes_of_the_paper(shape: str, low: float, high: float) -> None:
    points, labels = draw(shape, seed=0)
    score = float(calinski_harabasz_score(points, labels))
    assert low <= score <= high
    assert score == pytest.approx(reference(points.double().numpy(), labels.numpy()), rel=1e-9)


@pytest.mark.parametrize(
    ("features", "labels", "reason"),
    [
        (torch.randn(5, 2), torch.zeros(5, dtype=torch.int64), "at least two classes, got 1"),
        (torch.randn(3, 2), torch.arange(3), "more samples than classes, got 3 samples of 3 classes"),
        (torch.randn(0, 2), torch.arange(0), "at least two classes, got 0"),
        (torch.full((6, 2), 0.1), torch.arange(6) % 2, "no class has any dispersion"),
        (0.1 * torch.eye(2).repeat(3, 1), torch.arange(6) % 2, "no class has any dispersion"),
    ],
)
def test_undefined_is_nan_with_a_warning(features: Tensor, labels: Tensor, reason: str) -> None:
    with pytest.warns(RuntimeWarning, match=reason):
        assert calinski_harabasz_score(features, labels).isnan()


def test_refuses_bad_input() -> None:
    features, labels = _data(10)
    with pytest.raises(ValueError, match="unlabelled"):
        calinski_harabasz_score(features, labels - 1)
    features[0] = torch.nan
    with pytest.raises(ValueError, match="1 of 10 rows, the first of them row 0"):
        calinski_harabasz_score(features, labels)


@pytest.mark.parametrize("count", [8, 201])
def test_two_processes_equal_one(two_processes: TwoProcesses, count: int) -> None:
    features, labels = _data(count)
    order = labels.argsort()
    alone = calinski_harabasz_score(features, labels)
    for together in two_processes.sharded(calinski_harabasz_score, [features[order], labels[order]]):
        torch.testing.assert_close(together, alone, rtol=1e-10, atol=0)
