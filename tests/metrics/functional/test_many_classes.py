"""Classes by the hundred, in blocks, and labels of any integer type."""

import importlib
from typing import Any

import pytest
import sklearn.metrics
import torch
from torch import Tensor

from csl.distributed import world
from csl.metrics import functional
from csl.metrics.functional.knn_accuracy import vote
from csl.metrics.measures import MEASURES
from csl.metrics.samples import Samples
from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.pairwise.hard_data import ordinary
from tests.pairwise.test_streaming import Largest
from tests.two_processes import TwoProcesses

LABELED = [name for name in PANEL if PANEL[name].measure.labeled]


def _module(name: str) -> Any:
    """The module, which the function of its name hides."""
    return importlib.import_module(f"csl.metrics.functional.{name}")


def test_davies_bouldin_in_blocks_of_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = ordinary(), torch.arange(400) % 130
    expected = sklearn.metrics.davies_bouldin_score(features.double().numpy(), labels.numpy())
    monkeypatch.setattr(_module("davies_bouldin_score"), "_PAIRS", 1000)
    with Largest() as largest:
        assert float(functional.davies_bouldin_score(features, labels)) == pytest.approx(expected)
    assert largest.entries < 130 * 130


def test_a_vote_in_blocks_of_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    similarity = torch.rand(50, 9, generator=generator).sort(descending=True).values
    classes = torch.randint(300, (50, 9), generator=generator)
    whole = vote(similarity, classes, 300, 0.1)
    monkeypatch.setattr(_module("knn_accuracy"), "_VOTES", 1000)
    with Largest() as largest:
        assert torch.equal(vote(similarity, classes, 300, 0.1), whole)
    assert largest.entries <= 1000


@pytest.mark.parametrize("name", ["knn_modularity", "class_distances", "davies_bouldin", "silhouette"])
def test_no_array_of_all_pairs_of_classes(name: str) -> None:
    """With as many classes as samples, some are undefined, which costs no array either."""
    features, labels = ordinary(2000, 4), torch.arange(2000)
    options = {} if name == "davies_bouldin" else {"tile_side": 64}
    with Largest() as largest:
        if name == "knn_modularity":
            MEASURES[name].of(Samples(features, labels, tile_side=64))
        else:
            with pytest.warns(RuntimeWarning, match="is NaN"):
                PANEL[name].function(features, labels, **options)
    assert largest.entries < 2000 * 2000 / 2


@pytest.mark.parametrize("name", LABELED)
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16])
def test_labels_of_any_integer_type(name: str, dtype: torch.dtype) -> None:
    features, labels = data(60)
    kind = torch.tensor([0, 3, 7, 100, 255] if dtype == torch.uint8 else [-300, -2, 0, 5, 30_000])
    value = PANEL[name].function(features, kind.to(dtype)[labels])
    torch.testing.assert_close(value, PANEL[name].function(features, labels), rtol=0, atol=1e-9)


def _on_two(name: str, features: Tensor, labels: Tensor) -> Tensor:
    alone = torch.distributed.get_rank() == 0
    # A process without rows knows no type of its own: it comes with int64, the other with int16.
    x, y = (features[:0], labels[:0].long()) if alone else (features, labels)
    return PANEL[name].function(x, y, group=world())


@pytest.mark.parametrize("name", LABELED)
def test_processes_may_hold_labels_of_different_types(two_processes: TwoProcesses, name: str) -> None:
    features, labels = data(60)
    expected = PANEL[name].function(features, labels)
    for value in two_processes(_on_two, name, features, labels.to(torch.int16)):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-6)


def _failing_kmeans(features: Tensor) -> str:
    def fail(*args: object) -> None:
        raise MemoryError("no room")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_module("kmeans"), "_fit", fail)
        try:
            functional.kmeans_clusters(features, 2, group=world())
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return "nothing"


def test_no_process_waits_for_a_k_means_that_failed(two_processes: TwoProcesses) -> None:
    first, second = two_processes(_failing_kmeans, ordinary(20))
    assert first == "MemoryError: no room"
    assert second == "RuntimeError: k-means failed on the first process of the group, whose own error says why"


def test_k_means_far_from_the_origin() -> None:
    features = data(90)[0].double()
    near = functional.kmeans_clusters(features, 5)
    assert torch.equal(functional.kmeans_clusters(features + 1e6, 5), near)
    assert torch.equal(functional.kmeans_clusters(features * 1e200, 5), near)
