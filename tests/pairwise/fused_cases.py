"""The sums that a GPU takes in one program, run by Triton's interpreter on the CPU, equal plain operations.

`test_fused.py` runs this file in a process of its own: Triton asks for its interpreter when it is imported.
"""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
import torch

from csl.metrics.functional import relative_local_density, relative_local_density_per_class
from csl.pairwise import fused as fused_sums
from csl.pairwise import kernel
from csl.pairwise.kernel import Kernel, tile_moments, tile_run_sums, tile_sums
from csl.pairwise.tiles import Tile
from csl.pairwise.workers import Buffers
from tests.pairwise.hard_data import CASES

KERNELS = {
    "plain": [Kernel(0.4, None), Kernel(3.0, None)],
    "some with references": [Kernel(0.4, None), Kernel(9.0, torch.linspace(0, 9, 120))],
}
EDGES = [0, 3, 40, 50]


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.setattr(kernel, "_fused", lambda device: fused_sums)
    yield fused_sums
    fused_sums.works.cache_clear()


def a_tile(square: bool) -> Tile:
    torch.manual_seed(0)
    distances = 3 * torch.rand(50 if square else 70, 50)
    if square:
        distances.fill_diagonal_(float("inf"))
    return Tile(slice(0, len(distances)), slice(0, 50) if square else slice(70, 120), distances, mirrored=not square)


def buffers(tile: Tile) -> Buffers:
    return torch.empty_like(tile.distances), torch.empty_like(tile.distances)


def run_sums(kernels: list[Kernel], tile: Tile, buffers: Buffers) -> torch.Tensor:
    weights = torch.linspace(0.5, 2, 50 * len(kernels)).reshape(len(kernels), 50)
    return tile_run_sums(kernels, tile, buffers, weights, EDGES)


@pytest.mark.parametrize("square", [True, False])
@pytest.mark.parametrize("kernels", KERNELS.values(), ids=KERNELS)
@pytest.mark.parametrize("work", [tile_sums, tile_moments, run_sums])
def test_a_tile_s_sums_are_those_of_plain_operations(
    work: Callable[..., object], kernels: list[Kernel], square: bool, request: pytest.FixtureRequest
) -> None:
    if work is tile_moments:
        kernels = KERNELS["plain"]  # it is for kernels without references
    tile = a_tile(square)
    expected = work(kernels, tile, buffers(tile))
    request.getfixturevalue("fused")
    found = work(kernels, tile, buffers(tile))
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("budget", [0, 2**28])
def test_density_is_that_of_plain_operations(case: str, budget: int, request: pytest.FixtureRequest) -> None:
    x = CASES[case]()[:90]
    y = torch.arange(len(x)) % 10

    def measured() -> list[torch.Tensor]:
        return [
            relative_local_density(x, y, [1.0, 0.1], memory_budget=budget, tile_side=48),
            relative_local_density_per_class(x, y, 0.1, memory_budget=budget, tile_side=48),
        ]

    expected = measured()
    request.getfixturevalue("fused")
    torch.testing.assert_close(measured(), expected, rtol=1e-5, atol=1e-6)


def test_where_no_kernel_can_be_built_plain_operations_do(fused: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    fused.works.cache_clear()
    assert fused.works(torch.device("cpu"))
    fused.works.cache_clear()

    def fail(*args: object) -> None:
        raise RuntimeError("Failed to find C compiler")

    monkeypatch.setattr(fused, "moments", fail)
    assert not fused.works(torch.device("cpu"))
