from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from csl import distributed
from csl.distributed import Shard, shard_of, world
from csl.pairwise import tiles
from csl.pairwise.centering import center
from csl.pairwise.pairs import Pairs
from csl.pairwise.tiles import Cut, row_cuts, symmetric_cuts
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses


def coverage(found: Iterable[Cut], count: int) -> Tensor:
    """How often each ordered pair is covered."""
    times = torch.zeros(count, count, dtype=torch.int64)
    for cut in found:
        tile = cut.tile()
        assert cut.shape == tile.distances.shape
        assert tile.distances.shape == (tile.rows.stop - tile.rows.start, tile.columns.stop - tile.columns.start)
        times[tile.rows, tile.columns] += 1
        if tile.mirrored:
            times[tile.columns, tile.rows] += 1
    return times


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 100])
def test_each_ordered_pair_is_covered_once(count: int) -> None:
    own = center(ordinary(count))
    assert (coverage(symmetric_cuts(own, 32), count) == 1).all()
    assert (coverage(row_cuts(own, 32), count) == 1).all()


def test_few_pairs_are_computed_in_both_orders() -> None:
    tiles = [cut.tile() for cut in symmetric_cuts(center(ordinary(100)), 32)]
    assert max(len(tile.distances) for tile in tiles if not tile.mirrored) <= 32 // 4
    assert sum(tile.distances.numel() for tile in tiles) <= 100 * (100 + 32 // 4) / 2


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("count", [3, 37, 64])
def test_a_ring_of_any_size_covers_each_pair_once(monkeypatch: pytest.MonkeyPatch, size: int, count: int) -> None:
    own = center(ordinary(count))
    parts = [shard_of(count, r, size) for r in range(size)]
    shards = [own._replace(values=own.values[part], squares=own.squares[part]) for part in parts]
    times, by_row = torch.zeros(2, count, count, dtype=torch.int64)
    for me in range(size):
        _pretend_to_be(monkeypatch, me, shards)
        times += coverage(symmetric_cuts(shards[me], 8), count)
        by_row += coverage(row_cuts(shards[me], 8, rows=slice(0, 8)), count)
        by_row += coverage(row_cuts(shards[me], 8, rows=slice(8, count)), count)
    assert (times == 1).all()
    assert (by_row == 1).all()


def _pretend_to_be(monkeypatch: pytest.MonkeyPatch, me: int, shards: list[Any]) -> None:
    size = len(shards)

    def ring(tensors: tuple[Tensor, ...], group: object, steps: int = size, counts: object = None) -> Any:
        for step in range(steps):
            owner = (me - step) % size
            yield owner, (shards[owner].values, shards[owner].squares)

    for module in (tiles, distributed):
        monkeypatch.setattr(module, "rank", lambda group: me)
    monkeypatch.setattr(tiles, "size", lambda group: size)
    whole = Shard(tuple(len(s.values) for s in shards), None)
    monkeypatch.setattr(Shard, "of", lambda num_rows: whole)
    monkeypatch.setattr(tiles, "ring", ring)


def _cover_on_two(count: int) -> tuple[Tensor, Tensor]:
    group = world()
    own = center(ordinary(count)[shard_of(count, *_place())], group=group)
    return (
        coverage(symmetric_cuts(own, 8, Shard.of(len(own.values), group)), count),
        coverage(row_cuts(own, 8, Shard.of(len(own.values), group)), count),
    )


def _place() -> tuple[int, int]:
    return torch.distributed.get_rank(), 2


@pytest.mark.parametrize("count", [1, 2, 37])
def test_two_processes_cover_each_pair_once(two_processes: TwoProcesses, count: int) -> None:
    (a, rows_a), (b, rows_b) = two_processes(_cover_on_two, count)
    assert ((a + b) == 1).all()
    assert ((rows_a + rows_b) == 1).all()
    if count == 37:
        assert abs(int(a.sum() - b.sum())) < 0.1 * count**2, "the two processes share the work"


def test_tiles_are_kept_where_they_fit_and_computed_again_where_not() -> None:
    kept, streamed = Pairs(ordinary(50)), Pairs(ordinary(50), memory_budget=0)
    assert next(iter(kept.tiles())).distances.shape == (50, 50)
    first, second = [list(kept.tiles()) for _ in range(2)]
    assert first[0].distances is second[0].distances
    first, second = [list(streamed.tiles()) for _ in range(2)]
    assert first[0].distances is not second[0].distances
    assert torch.equal(first[0].distances, second[0].distances)
