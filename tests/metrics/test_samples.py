"""A record gives every measure what its function gives, and does the work of several once."""

import gc
import math
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor

from csl.callbacks.organization import measure_all, panel
from csl.distributed import shard, world
from csl.metrics import comoments, evaluation_set, neighbors
from csl.metrics.directions import directions
from csl.metrics.measures import MEASURES
from csl.metrics.samples import Samples
from csl.pairwise import pairs
from csl.types import Features
from tests.metrics.panel import PANEL
from tests.metrics.reference import data
from tests.pairwise.hard_data import CASES, ordinary
from tests.two_processes import TwoProcesses


def wide() -> tuple[Tensor, Tensor]:
    """Wide enough for the eigenvalues that alpha-ReQ looks at."""
    return ordinary(150, 20) + torch.eye(20)[torch.arange(150) % 5], torch.arange(150) % 5


def record(features: Tensor, labels: Tensor | None, **options: Any) -> Samples:
    wanted = [entry.measure.neighbors(**entry.reference.options) for entry in PANEL.values()]
    return Samples(features, labels, neighbors=[k for k in wanted if k], shared=True, **options)


def values(one: Samples) -> dict[str, Tensor]:
    return {name: entry.measure.of(one, **entry.reference.options) for name, entry in PANEL.items()}


@pytest.mark.filterwarnings("ignore:.* is NaN:RuntimeWarning")
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("budget", [2**28, 0])
@pytest.mark.parametrize("case", ["plain", "clumps", "far from the origin", "outlier", "duplicates"])
def test_measures_that_share_a_record_give_what_their_functions_give(normalize: bool, budget: int, case: str) -> None:
    features, labels = data(150)
    if case in CASES:
        features = CASES[case]()
        labels = torch.arange(len(features)) % 5
    rows = directions(features, torch.float32) if normalize else features
    found = values(record(features, labels, normalize=normalize, memory_budget=budget, tile_side=64))
    for name, value in found.items():
        expected = PANEL[name].function(rows, labels)
        # In clumps of the spread s a distance of float32 rows has an error of 1e-7 / s; δ leaves LiDAR no more digits.
        tolerance = {"lidar": 2e-5, "calinski_harabasz": 2e-5, "intrinsic_dimension": 1e-4}.get(name, 2e-6)
        torch.testing.assert_close(
            value, expected, rtol=tolerance, atol=2e-6, equal_nan=True, msg=f"{name}: {value} for {expected}"
        )


def _values(features: Tensor, labels: Tensor, **options: Any) -> dict[str, Tensor]:
    return values(record(features, labels, **options))


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("first", [0, 40])
def test_a_shared_record_of_two_processes_equals_that_of_one(
    two_processes: TwoProcesses, first: int, normalize: bool
) -> None:
    features, labels = data(101)
    alone = _values(features, labels, normalize=normalize)
    for together in two_processes.sharded(_values, [features, labels], cut=first, normalize=normalize):
        for name, value in together.items():
            torch.testing.assert_close(value, alone[name], rtol=1e-6, atol=1e-6, msg=name)


@contextmanager
def counted(*places: tuple[Any, str]) -> Iterator[Counter[str]]:
    """How often functions are called."""
    counts: Counter[str] = Counter()

    def counting(name: str, function: Any) -> Any:
        def wrapped(*args: Any, **options: Any) -> Any:
            counts[name] += 1
            return function(*args, **options)

        return wrapped

    with pytest.MonkeyPatch.context() as patch:
        for place, name in places:
            patch.setattr(place, name, counting(name, getattr(place, name)))
        yield counts


def test_a_panel_checks_searches_and_sums_once() -> None:
    features, labels = wide()
    places: list[tuple[Any, str]] = [
        (evaluation_set, "check_features"),
        (evaluation_set, "check_labels"),
        (neighbors, "nearest"),
        (evaluation_set, "comoments"),
        (evaluation_set, "class_moments"),
        (comoments, "_eigenvalues"),
        (pairs, "symmetric_cuts"),
        (pairs, "row_cuts"),
    ]
    with counted(*places) as counts:
        measure_all(panel("panel"), Features(features, labels, labels), normalize=True)
    once = ("check_features", "check_labels", "nearest", "comoments", "class_moments", "symmetric_cuts")
    assert {name: counts[name] for name in once} == dict.fromkeys(once, 1)
    assert counts["row_cuts"] == 0
    assert counts["_eigenvalues"] == 2  # of the covariance, and of what is not centred


def found(one: Samples, k: int) -> tuple[Tensor, Tensor]:
    parts = list(one.nearest(k))
    return torch.cat([part for _, part, _ in parts]), torch.cat([part for _, _, part in parts])


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_one_search_of_all_pairs_finds_what_a_search_by_blocks_finds(
    monkeypatch: pytest.MonkeyPatch, case: str, normalize: bool
) -> None:
    features = CASES[case]()
    one = Samples(features, torch.arange(len(features)) % 5, normalize=normalize, shared=True, tile_side=64)
    similarity, keys = found(one, 7)
    monkeypatch.setattr(neighbors.Neighbors, "_fit", lambda self, width: False)
    expected, _ = found(Samples(features, normalize=normalize), 7)
    torch.testing.assert_close(similarity, expected, rtol=0, atol=1e-6)
    exact = torch.nn.functional.normalize(features.double())
    chosen = (exact[:, None] - exact[keys]).square().sum(dim=2)
    best = (exact[:, None] - exact).square().sum(dim=2).fill_diagonal_(torch.inf).topk(7, largest=False).values
    torch.testing.assert_close(chosen, best, rtol=0.02, atol=2e-14)


def test_rows_of_zeros_are_searched_by_blocks() -> None:
    features = ordinary(60)
    features[3] = 0
    similarity, _ = found(Samples(features), 4)
    assert similarity[3].tolist() == [0.0] * 4


def test_neighbors_that_do_not_fit_are_found_again_and_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = data(150)
    one = Samples(features, labels, neighbors=[5, 3], shared=True)
    whole = [found(one, k) for k in (3, 5, 2)]
    monkeypatch.setattr(neighbors, "_NEIGHBORS", 150 * 4)
    other = Samples(features, labels, neighbors=[5, 3], shared=True)
    with counted((neighbors, "CosineKeys")) as counts:
        again = [found(other, k) for k in (3, 5, 2)]
    assert counts["CosineKeys"] == 2  # four were kept, which serve for three and two
    for (similarity, keys), (same_similarity, same_keys) in zip(whole, again, strict=True):
        torch.testing.assert_close(same_similarity, similarity, rtol=0, atol=1e-6)
        assert torch.equal(same_keys, keys)


def test_measures_without_labels_do_not_mind_samples_without_one() -> None:
    features, labels = data(60)
    one = record(features, torch.where(labels == 2, -1, labels))
    for name, entry in PANEL.items():
        if entry.measure.labeled:
            with pytest.raises(ValueError, match="unlabelled"):
                entry.measure.of(one, **entry.reference.options)
        else:
            value = entry.measure.of(one, **entry.reference.options)
            torch.testing.assert_close(value, entry.function(features, labels), rtol=1e-6, atol=1e-6, msg=name)


def test_distances_are_forgotten_after_the_last_measure_of_pairs() -> None:
    one = record(*data(150))
    MEASURES["rld"].of(one)
    assert one.pairs(1).keeps
    assert one._labeled is not None
    one.release()
    assert one._labeled is None
    assert math.isfinite(float(MEASURES["silhouette"].of(one)))


def _collectives() -> int:
    features, labels = wide()
    own = shard(len(features), world())
    names = ("all_reduce", "all_gather", "batch_isend_irecv")
    with counted(*((torch.distributed, name) for name in names)) as counts:
        measure_all(panel("panel"), Features(features[own], labels[own], labels[own]), normalize=True)
    return counts.total()


def test_a_panel_takes_few_collectives(two_processes: TwoProcesses) -> None:
    """It was 273 when every metric checked, counted and gathered for itself."""
    assert max(two_processes(_collectives)) <= 90


@pytest.mark.parametrize("shared", [False, True])
def test_the_memory_of_a_set_is_given_back_at_once(shared: bool) -> None:
    """Without a cycle that only a collection would find: distances of 10,000 samples are 200 MB."""
    features = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    gc.disable()
    try:
        samples = Samples(features, torch.arange(40) % 4, shared=shared, normalize=True)
        assert sum(len(keys) for _, _, keys in samples.nearest(3)) == 40
        samples.class_sums([0.1])
        alive = weakref.ref(samples)
        del samples
        assert alive() is None
    finally:
        gc.enable()
