"""Arguments out of range are refused by name, by the functions and by the classes beside them."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from csl import metrics
from csl.metrics import functional
from tests.metrics.reference import data

X, Y = data(20)
REFUSED: dict[str, tuple[str, list[Callable[[], Any]]]] = {
    "an empty range": (
        "first, last: expected 1 or more and ascending, got 5 and 5",
        [lambda: functional.alpha_req(X, 5, 5), lambda: metrics.AlphaReQ(5, 5)],
    ),
    "a range before the first": (
        "first, last: expected 1 or more and ascending, got 0 and 5",
        [lambda: functional.alpha_req(X, 0, 5), lambda: metrics.AlphaReQ(0, 5)],
    ),
    "one cluster": (
        "num_clusters: expected 2 or more, or None for the number of classes, got 1",
        [lambda: functional.kmeans_agreement(X, Y, 1), lambda: metrics.KMeansAgreement(1)],
    ),
    "no sharpness": (
        "t: expected a positive number, got 0",
        [lambda: functional.uniformity(X, 0), lambda: metrics.Uniformity(0)],
    ),
    "endless sharpness": (
        "t: expected a positive number, got inf",
        [lambda: functional.uniformity(X, math.inf), lambda: metrics.Uniformity(math.inf)],
    ),
    "no temperature": (
        "temperature: expected a positive number, got 0",
        [lambda: functional.knn_accuracy(X, Y, 5, 0), lambda: metrics.KNNAccuracy(5, 0)],
    ),
    "no neighbours": (
        "k: expected a positive number, got 0",
        [
            lambda: functional.knn_accuracy(X, Y, 0),
            lambda: metrics.KNNAccuracy(0),
            lambda: functional.knn_modularity(X, Y, 0),
            lambda: metrics.KNNModularity(0),
            lambda: functional.clid(X, Y, 0),
        ],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_arguments_out_of_range_are_refused(case: str) -> None:
    message, calls = REFUSED[case]
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call()
