import io

import pytest
import torch
from torch import Tensor

from csl import distributed
from csl.modules import FeatureQueue
from tests.two_processes import TwoProcesses


def _numbered(start: int, count: int) -> Tensor:
    return torch.arange(start, start + count, dtype=torch.float32).unsqueeze(1).expand(count, 2)


def _contents(queue: FeatureQueue) -> list[int]:
    return [int(value) for value in queue.features[:, 0]]


def test_oldest_rows_are_overwritten_in_order() -> None:
    queue = FeatureQueue(size=7, dim=2)
    for start in range(0, 30, 3):
        queue.enqueue(_numbered(start, 3))
    assert sorted(_contents(queue)) == list(range(23, 30))


def test_wraps_where_the_batch_does_not_divide_it() -> None:
    queue = FeatureQueue(size=4, dim=2)
    queue.enqueue(_numbered(0, 3))
    queue.enqueue(_numbered(3, 3))
    assert _contents(queue) == [4, 5, 2, 3]
    assert int(queue.position) == 2


def test_more_rows_than_it_holds_leaves_the_last() -> None:
    queue = FeatureQueue(size=4, dim=2)
    queue.enqueue(_numbered(0, 11))
    assert sorted(_contents(queue)) == [7, 8, 9, 10]
    queue.enqueue(_numbered(11, 1))
    assert sorted(_contents(queue)) == [8, 9, 10, 11]


def test_empty_batch_changes_nothing() -> None:
    queue = FeatureQueue(size=4, dim=2)
    before = queue.features.clone()
    queue.enqueue(torch.empty(0, 2))
    torch.testing.assert_close(queue.features, before, rtol=0, atol=0)


def test_starts_with_unit_vectors_and_leaves_the_random_state() -> None:
    before = torch.get_rng_state()
    queue = FeatureQueue(size=32, dim=8)
    assert torch.equal(torch.get_rng_state(), before)
    torch.testing.assert_close(queue.features.norm(dim=1), torch.ones(32))
    assert torch.equal(queue.features, FeatureQueue(size=32, dim=8).features)


def test_checkpoint_round_trip_continues_alike() -> None:
    queue, other = FeatureQueue(size=5, dim=2), FeatureQueue(size=5, dim=2)
    queue.enqueue(_numbered(0, 3))
    buffer = io.BytesIO()
    torch.save(queue.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    for one in (queue, other):
        one.enqueue(_numbered(3, 4))
    torch.testing.assert_close(other.state_dict(), queue.state_dict(), rtol=0, atol=0)


def test_no_gradient_is_held() -> None:
    queue = FeatureQueue(size=4, dim=2)
    queue.enqueue(torch.ones(2, 2, requires_grad=True))
    assert not queue.features.requires_grad


@pytest.mark.parametrize("shape", [(3,), (3, 5), (1, 3, 2)])
def test_wrong_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"features: expected shape \[N, 2\]"):
        FeatureQueue(size=4, dim=2).enqueue(torch.zeros(shape))


@pytest.mark.parametrize(("size", "dim", "name"), [(0, 2, "size"), (4, -1, "dim")])
def test_sizes_must_be_positive(size: int, dim: int, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number"):
        FeatureQueue(size, dim)


def _shared_queue(batches: list[Tensor], sizes: list[int]) -> Tensor:
    group = distributed.world()
    queue = FeatureQueue(size=7, dim=2)
    for batch in batches:
        queue.enqueue(torch.split(batch, sizes)[distributed.rank(group)], group=group)
    return queue.features


@pytest.mark.parametrize("sizes", [[2, 2], [3, 1]])
def test_every_process_holds_one_processs_queue(two_processes: TwoProcesses, sizes: list[int]) -> None:
    batches = [_numbered(start, 4) for start in range(0, 20, 4)]
    expected = FeatureQueue(size=7, dim=2)
    for batch in batches:
        expected.enqueue(batch)
    for result in two_processes(_shared_queue, batches, sizes):
        torch.testing.assert_close(result, expected.features, rtol=0, atol=0)


def test_nearest_is_by_cosine_and_has_no_gradient() -> None:
    queue = FeatureQueue(size=3, dim=2)
    queue.enqueue(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    queries = torch.tensor([[0.1, 5.0], [-3.0, 0.2]], requires_grad=True)
    found = queue.nearest(queries)
    assert found.tolist() == [[0.0, 1.0], [-1.0, 0.0]]
    assert not found.requires_grad
