"""Random features through every metric: a value in its range, NaN with a warning, or an error that says why."""

import math
import re
import warnings
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from csl.metrics import functional
from tests.fuzz.cases import Sample, cases, samples

INFINITY = math.inf
# What stands in the documentation, and where a function has an argument without a default, some of its values.
RANGES: dict[str, tuple[float, float]] = {
    "alignment": (0, 4),
    "alpha_req": (-INFINITY, INFINITY),
    "calinski_harabasz_score": (0, INFINITY),
    "class_affinity": (0, 1),
    "class_distances": (0, INFINITY),
    "clid": (0, INFINITY),
    "davies_bouldin_score": (0, INFINITY),
    "effective_rank": (0, 40),
    "estimate_relative_local_density": (-1, 1),
    "feature_std": (0, 2**0.5),
    "intrinsic_dimension": (0, INFINITY),
    "kmeans_agreement": (-1, 1),
    "kmeans_clusters": (0, 60),
    "knn_accuracy": (0, 1),
    "knn_modularity": (-0.5, 1),
    "lidar": (0, 60),
    "neighbor_agreement": (0, 1),
    "participation_ratio": (0, 40),
    "rankme": (0, 41),
    "relative_local_density": (-0.5, 1),
    "relative_local_density_per_class": (-0.25, 0.25),
    "relative_local_density_spread": (0, 1),
    "silhouette_score": (-1, 1),
    "uniformity": (-8, 0),
}
TEMPERATURES = st.sampled_from([1.0, 0.2, 0.05, [1.0, 0.1]])
BAD_TEMPERATURES = st.sampled_from([0.0, -1.0, math.nan, math.inf, []])
ARGUMENTS: dict[str, dict[str, Any]] = {
    "temperature": {"good": st.sampled_from([1.0, 0.2, 0.05]), "bad": st.sampled_from([0.0, -1.0, math.nan])},
    "temperatures": {"good": TEMPERATURES, "bad": BAD_TEMPERATURES},
    "ks": {"good": st.sampled_from([1, 2, [1, 3], 50]), "bad": st.sampled_from([0, -1, []])},
    "k": {"good": st.sampled_from([1, 3, 10, 50]), "bad": st.sampled_from([0, -1])},
    "num_clusters": {"good": st.sampled_from([1, 2, 5]), "bad": st.sampled_from([0, -1])},
}
# Sums over all rows or pairs, which do not depend on their order.
ORDERLESS = [
    "alignment",
    "calinski_harabasz_score",
    "class_affinity",
    "class_distances",
    "davies_bouldin_score",
    "effective_rank",
    "feature_std",
    "lidar",
    "participation_ratio",
    "rankme",
    "relative_local_density",
    "relative_local_density_spread",
    "silhouette_score",
    "uniformity",
]
HIDDEN_FAULTS = r"unexpected keyword|NoneType|not subscriptable|index out of range|dimension specified|shape mismatch"


def call(name: str, sample: Sample, arguments: dict[str, Any]) -> Tensor | None:
    """The value, or None where the function refused with a reason."""
    function: Callable[..., Any] = getattr(functional, name)
    names = list(signature(function).parameters)
    rows = [sample.values, sample.labels] if names[1] in ("labels", "clusters") else [sample.values]
    reason = ""
    try:
        value = function(*rows, **arguments)
    except ValueError as error:
        reason = str(error)
    if not reason:
        return value if isinstance(value, Tensor) else torch.as_tensor(value[0])
    assert len(reason) > 10
    assert not re.search(HIDDEN_FAULTS, reason), reason
    return None


@st.composite
def arguments_of(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], bool]:
    """Values for the arguments of a function, and whether all are allowed."""
    chosen, is_valid = {}, True
    for argument in signature(getattr(functional, name)).parameters:
        if argument in ARGUMENTS:
            kind = draw(st.sampled_from(["good"] * 9 + ["bad"]))
            chosen[argument] = draw(ARGUMENTS[argument][kind])
            is_valid &= kind == "good"
    return chosen, is_valid


def uses_labels(name: str) -> bool:
    return list(signature(getattr(functional, name)).parameters)[1] in ("labels", "clusters")


def test_every_metric_is_here() -> None:
    functions = {name for name in functional.__all__ if callable(getattr(functional, name))}
    types = {name for name in functions if isinstance(getattr(functional, name), type)}
    of_two_sets = {"linear_cka", "mutual_neighbors", "procrustes_similarity", "information_imbalance"}
    of_each_sample = {"relative_local_density_per_sample", "neighbor_purity", "neighbor_margin"}
    several_numbers = {"neural_collapse", "classifier_collapse"}
    assert functions - types - of_two_sets - of_each_sample - several_numbers == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_a_value_in_its_range_or_an_error_that_says_why(name: str) -> None:
    @cases(few=12)
    @given(samples(), arguments_of(name))
    def check(sample: Sample, drawn: tuple[dict[str, Any], bool]) -> None:
        arguments, are_valid = drawn
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = call(name, sample, arguments)
        if value is None:
            return
        has_good_values = sample.values.ndim == 2 and sample.values.is_floating_point()
        has_good_values &= sample.values.shape[-1] > 0 or len(sample.values) == 0
        assert has_good_values, f"{sample.values.dtype} {list(sample.values.shape)} went through"
        assert torch.isfinite(sample.values).all(), f"{value} of features that are no numbers"
        assert sample.is_valid or not uses_labels(name), f"{value} of labels {sample.labels}"
        assert are_valid, f"{value} with {arguments}"
        low, high = RANGES[name]
        finite = value[~value.isnan()]
        assert ((finite >= low - 1e-6) & (finite <= high + 1e-6)).all(), value
        assert caught or not value.isnan().any(), "NaN without a word"

    check()


@pytest.mark.parametrize("name", ORDERLESS)
def test_the_order_of_rows_does_not_matter(name: str) -> None:
    @cases(few=4)
    @given(samples(min_rows=2), arguments_of(name), st.integers(0, 1000))
    def check(sample: Sample, drawn: tuple[dict[str, Any], bool], seed: int) -> None:
        if not (sample.is_valid and drawn[1]):
            return
        order = torch.randperm(len(sample.values), generator=torch.Generator().manual_seed(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = call(name, sample, drawn[0])
            again = call(name, Sample(sample.values[order], sample.labels[order], True), drawn[0])
        assert value is not None
        assert again is not None
        torch.testing.assert_close(again.double(), value.double(), rtol=1e-4, atol=1e-5, equal_nan=True)

    check()
