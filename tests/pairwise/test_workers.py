"""Several tiles at a time change nothing but the time."""

import threading
import time
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from csl.distributed import shard, world
from csl.metrics.functional import intrinsic_dimension, relative_local_density, silhouette_score, uniformity
from csl.pairwise import (
    Streaming,
    cosine,
    distances_within,
    full_weights,
    nearest,
    top_cosine,
    top_weights,
    weight_block_sums,
    workers,
)
from csl.pairwise import pairs as pairs_module
from csl.pairwise.pairs import Pairs
from csl.pairwise.workers import Memory, in_order, worker_count
from tests.pairwise.hard_data import CASES, labels_for, ordinary
from tests.pairwise.labeled import labeled
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.2, 0.1, 0.01]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("csl-tile")]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    def work(item: int) -> int:
        time.sleep(0.02 * (item % 3 == 0))
        return item

    assert list(in_order(work, range(40), count)) == list(range(40))
    assert not our_threads()


def test_all_workers_work_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=10)
    assert list(in_order(lambda item: together.wait() >= 0, range(6), 3)) == [True] * 6


def test_torchs_threads_are_shared_out_and_the_callers_stay_its_own() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        told = list(in_order(lambda item: (torch.exp2(torch.ones(10)), torch.get_num_threads())[1], range(6), 2))
        assert told == [2] * 6
        assert torch.get_num_threads() == 4
        assert worker_count(torch.device("cpu")) == 4
        assert worker_count(torch.device("meta")) == 1
    finally:
        torch.set_num_threads(before)


def test_workers_record_no_gradients() -> None:
    assert not any(in_order(lambda item: torch.is_grad_enabled(), range(4), 2))
    assert torch.is_grad_enabled()


def test_items_are_asked_for_a_few_ahead() -> None:
    asked = []

    def items() -> Iterator[int]:
        for item in range(100):
            asked.append(item)
            yield item

    found = in_order(lambda item: item, items(), 2)
    assert next(found) == 0
    assert len(asked) == 2 * workers._AHEAD
    found.close()  # type: ignore[attr-defined]
    assert not our_threads()


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_reaches_the_caller_and_ends_the_workers(count: int) -> None:
    done = []

    def work(item: int) -> None:
        if item == 3:
            raise RuntimeError("item 3")
        done.append(item)

    with pytest.raises(RuntimeError, match="item 3"):
        list(in_order(work, range(1000), count))
    assert len(done) <= 3 + 2 * workers._AHEAD
    assert not our_threads()


def test_a_worker_that_cannot_be_started_is_an_error_and_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    start, count = threading.Thread.start, 0

    def first_only(self: threading.Thread) -> None:
        nonlocal count
        count += self.name.startswith("csl-tile")
        if count > 1:
            raise RuntimeError("can't start new thread")
        start(self)

    before = torch.get_num_threads()
    monkeypatch.setattr(threading.Thread, "start", first_only)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        list(in_order(lambda item: item, range(5), 2))
    assert not our_threads()
    assert torch.get_num_threads() == before


def test_memory_can_be_written_to_by_a_worker_of_an_inference() -> None:
    with torch.inference_mode():
        memory = Memory(6, torch.device("cpu"))
    assert not memory.tile((2, 3)).is_inference()
    first, second = memory.buffers((2, 3))
    assert len({memory.tile((2, 3)).data_ptr(), first.data_ptr(), second.data_ptr()}) == 3


def measured(features: Tensor, budget: int) -> Tensor:
    labels, streaming = labels_for(features), Streaming(memory_budget=budget, tile_side=100)
    sums = weight_block_sums(labeled(features, labels, **streaming), TEMPERATURES)
    (weights,) = full_weights(features, [0.1], memory_budget=budget, tile_side=100)
    others = [
        silhouette_score(features, labels, **streaming),
        uniformity(features, t=30, **streaming),
        intrinsic_dimension(features, **streaming).nan_to_num(),  # of duplicates it has none
        *distances_within(labeled(features, labels, **streaming)),
    ]
    found = [sums, weights.product(features.double()), torch.stack(others), *nearest(Pairs(features, **streaming), 5)]
    found += [*top_weights(features, [0.1], 5, tile_side=100)[0], *top_cosine(features, features, 5, tile_side=100)]
    return torch.cat([part.double().flatten() for part in found])


@pytest.mark.filterwarnings("ignore:intrinsic dimension is NaN")
@pytest.mark.parametrize("budget", [0, 2**30])
@pytest.mark.parametrize("case", CASES)
def test_not_a_digit_depends_on_the_number_of_workers(monkeypatch: pytest.MonkeyPatch, case: str, budget: int) -> None:
    features = CASES[case]()
    alone = measured(features, budget)
    for module in (pairs_module, cosine):
        monkeypatch.setattr(module, "worker_count", lambda device: 3)
    assert torch.equal(measured(features, budget), alone)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("budget", [0, 2**30])
def test_workers_serve_an_inference(budget: int) -> None:
    expected = measured(ordinary(), budget)
    with torch.inference_mode():
        assert torch.equal(measured(ordinary() + 0, budget), expected)


@pytest.mark.usefixtures("two_threads")
def test_an_error_in_a_pass_leaves_no_worker_and_no_half_kept_pass() -> None:
    pairs = Pairs(ordinary(), tile_side=100)
    seen = []

    def work(tile: object, buffers: object) -> None:
        seen.append(tile)
        if len(seen) == 20:
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        list(pairs.each(work))
    assert not our_threads()
    torch.testing.assert_close(pairs.mean, Pairs(ordinary(), memory_budget=0).mean)


def _density_with_two_threads(count: int) -> Tensor:
    torch.set_num_threads(2)
    try:
        features = ordinary(count)
        own = shard(count, world())
        rows = features[own], labels_for(features)[own]
        return relative_local_density(*rows, TEMPERATURES, group=world(), memory_budget=0, tile_side=32)
    finally:
        torch.set_num_threads(1)


def test_two_processes_of_two_threads(two_processes: TwoProcesses) -> None:
    features = ordinary(301)
    expected = relative_local_density(features, labels_for(features), TEMPERATURES)
    for found in two_processes(_density_with_two_threads, 301):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)
