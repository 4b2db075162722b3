import pytest
import torch

from csl.pairwise import Pairs, nearest
from tests.pairwise.dense import dense_distances
from tests.pairwise.hard_data import CASES, ordinary


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("side", [32, 1024])
@pytest.mark.parametrize("case", CASES)
def test_the_nearest_are_those_of_the_dense_distances(case: str, side: int, ordered: bool) -> None:
    features = CASES[case]()
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0)) if ordered else None
    distances, rows = nearest(Pairs(features, order=order, tile_side=side), 7)
    dense = dense_distances(features).fill_diagonal_(torch.inf)
    expected = dense.topk(7, dim=1, largest=False).values
    # Rows are rounded to float32 once they are centred.
    tolerance = 3e-7 * float(dense[dense.isfinite()].amax())
    torch.testing.assert_close(distances.double(), expected, rtol=1e-5, atol=tolerance)
    torch.testing.assert_close(dense.gather(1, rows), expected, rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize("ordered", [False, True])
def test_equal_distances_come_in_the_order_of_the_rows(ordered: bool) -> None:
    features = torch.cat([torch.zeros(20, 3), torch.ones(20, 3)])
    order = torch.arange(39, -1, -1) if ordered else None
    _, rows = nearest(Pairs(features, order=order, tile_side=7), 3)
    assert rows[0].tolist() == [1, 2, 3]
    assert rows[2].tolist() == [0, 1, 3]
    assert rows[39].tolist() == [20, 21, 22]


def test_kept_distances_serve_a_search_too() -> None:
    kept, fresh = Pairs(ordinary()), Pairs(ordinary(), passes=1)
    assert kept.mean > 0
    assert all(torch.equal(*both) for both in zip(nearest(kept, 9), nearest(fresh, 9), strict=True))
    assert kept.keeps
