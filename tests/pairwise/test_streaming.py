"""What a caller may choose of memory, precision and progress changes nothing, or as much as it says."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from csl.distributed import Shard, shard, world
from csl.metrics.functional import relative_local_density
from csl.pairwise import Pairs, Precision, sampled_class_sums, weight_block_sums
from csl.pairwise.centering import center
from csl.pairwise.kernel import Kernel, tile_squares, tile_sums
from csl.pairwise.kernel_sums import kernels_with_sums
from csl.pairwise.precision import round_to
from tests.pairwise.dense import dense_block_sums, dense_mean
from tests.pairwise.hard_data import CASES, duplicates, labels_for, ordinary
from tests.pairwise.labeled import labeled
from tests.two_processes import TwoProcesses

TEMPERATURES = [1.0, 0.2, 0.1]


@pytest.mark.parametrize(("budget", "passes"), [(0, 2), (4 * 400 * (400 + 64) // 2, 3), (2**30, 3)])
def test_progress_grows_to_one_over_all_passes(budget: int, passes: int) -> None:
    seen: list[float] = []
    features = ordinary()
    pairs = labeled(features, labels_for(features), memory_budget=budget, tile_side=32, progress=seen.append)
    weight_block_sums(pairs, TEMPERATURES)
    assert all(before <= after for before, after in pairwise(seen))
    assert seen[-1] == 1.0
    num_tiles = len(list(Pairs(features, tile_side=32).tiles()))
    assert len(seen) == passes * (num_tiles + 1), "each pass tells of each of its tiles, and of its end"
    assert min(abs(share - 1 / passes) for share in seen) < 0.01


def test_a_single_pass_ends_at_one_too() -> None:
    seen: list[float] = []
    pairs = Pairs(ordinary(50), passes=1, progress=seen.append)
    assert pairs.mean > 0
    assert seen == [1.0, 1.0]
    pairs.begin(3, seen.append)
    kernels_with_sums(pairs, [1.0])
    assert seen[2:] == [1.0, 1.0], "the mean is known, and norms tell that no row needs a reference"
    pairs.begin(3, seen.append)
    kernels_with_sums(pairs, [1.0, 0.01])
    assert seen[4:] == [0.5, 0.5, 1.0, 1.0]


def _progress_on_two(count: int) -> list[float]:
    seen: list[float] = []
    own = ordinary(count)[shard(count, world())]
    Pairs(own, Shard.of(len(own), world()), passes=1, progress=seen.append).measure()
    return seen


def test_each_process_tells_of_its_own_share(two_processes: TwoProcesses) -> None:
    for seen in two_processes(_progress_on_two, 101):
        assert seen == sorted(seen)
        assert seen[-1] == 1.0


def test_distances_beyond_the_budget_are_not_kept() -> None:
    needed = 4 * 50 * (50 + 2 * 1024) // 2
    assert Pairs(ordinary(50), memory_budget=needed).keeps
    assert not Pairs(ordinary(50), memory_budget=needed - 4).keeps
    assert not Pairs(ordinary(50), passes=1).keeps
    with pytest.raises(ValueError, match="memory_budget: expected a number at least 0 and finite, got -1"):
        Pairs(ordinary(50), memory_budget=-1)


class Largest(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers how many entries the largest memory behind the result of an operation has."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.entries = max(self.entries, result.untyped_storage().nbytes() // result.element_size())
        return result


def _exact(features: Tensor, labels: Tensor) -> None:
    relative_local_density(features, labels, [*TEMPERATURES, 0.01], memory_budget=0, tile_side=32)


def _estimated(features: Tensor, labels: Tensor) -> None:
    temperatures = [*TEMPERATURES, 0.01]
    sampled_class_sums(features, labels, 10, temperatures, samples=20, repeats=2, seed=0, tile_side=32)


@pytest.mark.parametrize("function", [_exact, _estimated])
@pytest.mark.parametrize("case", ["ordinary", "collapsed classes", "outlier"])
def test_no_square_of_all_pairs_exists(function: Callable[[Tensor, Tensor], None], case: str) -> None:
    features = CASES[case]()
    with Largest() as largest:
        function(features, labels_for(features))
    assert 32 * 32 <= largest.entries <= features.numel(), "the square is 25 times as large as the features"


@pytest.mark.parametrize(
    "temperatures", [[1.0, 0.2, 0.1], [0.1, 0.3, 0.05, 0.15], [1.0, 0.5, 1 / 3, 0.25, 1 / 6], [1, 1]]
)
def test_temperatures_that_share_exponentials_equal_those_alone(temperatures: list[float]) -> None:
    pairs = Pairs(ordinary(100))
    tile = next(pairs.tiles())
    buffers = torch.empty_like(tile.distances), torch.empty_like(tile.distances)
    kernels = [Kernel(1 / (pairs.scale * t), None) for t in temperatures]
    exponents = -torch.tensor([kernel.rate for kernel in kernels])[:, None, None] * tile.distances.double()
    by_row, by_column = tile_sums(kernels, tile, buffers)
    torch.testing.assert_close(by_row, exponents.exp().sum(dim=2), rtol=5e-6, atol=0)
    torch.testing.assert_close(by_column, exponents.exp().sum(dim=1), rtol=5e-6, atol=0)
    for index, squares in tile_squares(kernels, tile, buffers):
        torch.testing.assert_close(squares.double(), (2 * exponents[index]).exp(), rtol=1e-5, atol=1e-30)


def test_tf32_rounds_to_eleven_bits() -> None:
    values = torch.tensor([1.0, 1 + 2**-10, 1 + 2**-12, 1 + 3 * 2**-12, -3.1415927, 0.0])
    expected = torch.tensor([1.0, 1 + 2**-10, 1.0, 1 + 2**-10, -3.140625, 0.0])
    assert torch.equal(round_to(values, "tf32"), expected)
    assert torch.equal(round_to(values, "ieee"), values)
    with pytest.raises(ValueError, match="precision: expected 'ieee' or 'tf32', got 'bf16'"):
        Pairs(ordinary(), precision="bf16")  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("precision", "tolerance"), [("ieee", 1e-6), ("tf32", 2e-4)])
def test_a_precision_errs_by_what_it_rounds(case: str, precision: Precision, tolerance: float) -> None:
    features = CASES[case]()
    labels = labels_for(features)
    rounded = center(features, precision=precision)
    ours = weight_block_sums(labeled(features, labels, precision=precision), TEMPERATURES)
    for temperature, sums in zip(TEMPERATURES, ours, strict=True):
        same = dense_block_sums(rounded.values, labels, 10, temperature)
        torch.testing.assert_close(sums / sums.sum(), same / same.sum(), rtol=0, atol=1e-6)
        exact = dense_block_sums(features, labels, 10, temperature)
        torch.testing.assert_close(sums / sums.sum(), exact / exact.sum(), rtol=0, atol=tolerance)
    torch.testing.assert_close(
        Pairs(features, precision=precision).mean,
        dense_mean(features),
        rtol=1e-4 if precision == "tf32" else 1e-6,
        atol=0,
    )


def test_duplicates_stay_duplicates_in_tf32() -> None:
    distances = next(Pairs(duplicates(), precision="tf32").tiles()).distances
    assert bool((distances.diagonal(offset=200) == 0).all())


@pytest.mark.parametrize("entries", [0, 100, 1000])
def test_kept_distances_beyond_the_room_get_memory_of_their_own(entries: int) -> None:
    """As where one process's share of the pairs is much larger than another's."""
    pairs = Pairs(ordinary(50), tile_side=8)
    assert pairs._entries > 1000
    pairs._entries = entries
    computed = [tile.distances.clone() for tile in Pairs(ordinary(50), passes=1, tile_side=8).tiles()]
    for _ in range(2):
        kept = [tile.distances for tile in pairs.tiles()]
        assert all(map(torch.equal, kept, computed))
    assert len(computed) == len(kept) > 20
