import pytest
import torch
from torch import Tensor

from csl.pairwise import full_precision
from csl.pairwise.centering import center
from csl.pairwise.distances import distances
from tests.pairwise.dense import dense_distances
from tests.pairwise.hard_data import CASES, duplicates, ordinary


def _all_distances(features: Tensor) -> Tensor:
    own = center(features)
    return own.unit * distances(own.values, own.values, own.squares, own.squares, same=True).double()


@pytest.mark.parametrize("case", CASES)
def test_distances_equal_direct_differences(case: str) -> None:
    features = CASES[case]()
    expected = dense_distances(features).fill_diagonal_(torch.inf)
    scale = float(expected[expected.isfinite()].mean())
    torch.testing.assert_close(_all_distances(features), expected, rtol=0, atol=3e-5 * scale)
    near = expected < 1e-2 * scale
    torch.testing.assert_close(_all_distances(features)[near], expected[near], rtol=0, atol=3e-7 * scale)


def test_exact_duplicates_are_at_distance_zero_in_both_ways_of_mending() -> None:
    few = ordinary(2000)
    few[1500:1503] = few[3]
    assert (_all_distances(few)[3, 1500:1503] == 0).all()
    many = duplicates().repeat(3, 1)
    assert (_all_distances(many).diagonal(offset=400) == 0).all()


def test_full_precision_holds_inside_autocast_and_leaves_the_settings() -> None:
    x = ordinary(64, 512)
    exact = (x.double() @ x.double().T).float()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert (x @ x.T).dtype == torch.bfloat16
            with full_precision():
                product = x @ x.T
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    torch.testing.assert_close(product, exact, rtol=1e-5, atol=1e-4)
