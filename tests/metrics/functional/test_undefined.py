"""Values that do not exist are NaN with the reason that the documentation gives; odd rows that have one, have it."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import Tensor

from csl.metrics import functional
from tests.pairwise.hard_data import ordinary

TWINS = torch.tensor([[0.0], [2.0], [1.0], [1.5], [0.5], [9.0], [8.0]])  # the first two classes have the mean 1
SAME = torch.full((6, 3), 0.1)
UNDEFINED: dict[str, tuple[Callable[[], Tensor], str]] = {
    "alone": (
        partial(functional.davies_bouldin_score, TWINS[:5], torch.tensor([0, 0, 1, 1, 1])),
        "Davies-Bouldin score is NaN: two classes have the same mean",
    ),
    "among others": (
        partial(functional.davies_bouldin_score, TWINS, torch.tensor([0, 0, 1, 1, 1, 2, 2])),
        "Davies-Bouldin score is NaN: two classes have the same mean",
    ),
    "davies bouldin of single samples": (
        partial(functional.davies_bouldin_score, ordinary(3), torch.arange(3)),
        "Davies-Bouldin score is NaN: it needs more samples than classes, got 3 samples of 3 classes",
    ),
    "silhouettes of single samples": (
        partial(functional.silhouette_score, ordinary(3), torch.arange(3)),
        "silhouette score is NaN: it needs more samples than classes, got 3 of each",
    ),
    "effective rank": (
        partial(functional.effective_rank, SAME),
        "effective rank is NaN: the features have no variance",
    ),
    "participation": (
        partial(functional.participation_ratio, SAME),
        "participation ratio is NaN: the features have no variance",
    ),
    "alpha": (partial(functional.alpha_req, ordinary(9)), "alpha-ReQ is NaN: of eigenvalues 11 to 100, 0 exist"),
    "rankme": (partial(functional.rankme, 0 * SAME), "RankMe is NaN: there is no sample that is not zero"),
    "clusters": (
        partial(functional.kmeans_agreement, ordinary(4), torch.arange(4) % 2, 5),
        "k-means agreement is NaN: there are 4 samples for 5 clusters",
    ),
    "equidistant": (
        partial(functional.intrinsic_dimension, torch.eye(5)),
        "intrinsic dimension is NaN: no sample without a duplicate has its two nearest others at different distances",
    ),
    "duplicates": (
        partial(functional.intrinsic_dimension, ordinary(4).repeat(2, 1)),
        "intrinsic dimension is NaN: no sample without a duplicate has its two nearest others at different distances",
    ),
    "two samples": (
        partial(functional.intrinsic_dimension, ordinary(2)),
        "intrinsic dimension is NaN: it needs at least three samples, got 2",
    ),
    "pairs": (
        partial(functional.alignment, ordinary(4), torch.arange(4)),
        "alignment is NaN: no two samples have the same label",
    ),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_undefined_is_nan_with_its_reason(case: str) -> None:
    call, reason = UNDEFINED[case]
    with pytest.warns(RuntimeWarning, match=reason):
        assert call().isnan().all()


def test_rows_of_zeros_have_no_direction_and_stay_zero() -> None:
    rows, together = torch.tensor([[0.0, 0.0], [3.0, 0.0]]), torch.zeros(2, dtype=torch.int64)
    assert float(functional.alignment(rows, together)) == 1  # the squared distance of 0 and (1, 0)
    assert float(functional.uniformity(rows)) == pytest.approx(-2)
    assert float(functional.feature_std(rows)) == pytest.approx(0.5)  # the deviations are √½ and 0


def test_two_samples_of_one_dimension_have_the_largest_spread() -> None:
    assert float(functional.feature_std(torch.tensor([[-1.0], [1.0]]))) == pytest.approx(2**0.5)
