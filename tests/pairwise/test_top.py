import math

import pytest
import torch
from torch import Tensor

from csl.pairwise.top import TopColumns


def expected(scores: Tensor, k: int) -> list[list[int]]:
    return [sorted(range(len(row)), key=lambda j: (row[j], j))[:k] for row in scores.tolist()]


@pytest.mark.parametrize("distinct", [2, 5, 10_000])
@pytest.mark.parametrize("k", [1, 3, 70, 500])
@pytest.mark.parametrize("width", [7, 100, 500])
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_best_come_in_order_however_the_tiles_come(
    distinct: int, k: int, width: int, backwards: bool, mirrored: bool
) -> None:
    generator = torch.Generator().manual_seed(k)
    scores = torch.randint(distinct, (6, 500), generator=generator).float()
    best = TopColumns(6, k, scores.device, with_values=True)
    firsts = list(range(0, 500, width))
    for first in reversed(firsts) if backwards else firsts:
        for rows in (slice(0, 4), slice(4, 6)):
            tile = scores[rows, first : first + width].contiguous()
            if mirrored:
                best.add_mirrored(rows, first, tile.T.contiguous(), 2 * tile.T.contiguous())
            else:
                best.add(rows, first, tile, 2 * tile)
    values, columns, travelled = best.take()
    assert columns.tolist() == expected(scores, k)
    assert torch.equal(values, scores.gather(1, columns))
    assert travelled is not None
    assert torch.equal(travelled, 2 * values)


def test_falling_costs_replace_all_that_went_before() -> None:
    costs = -torch.arange(3000.0).repeat(2, 1)
    best = TopColumns(2, 5, costs.device)
    for first in range(0, 3000, 50):
        best.add(slice(0, 2), first, costs[:, first : first + 50].contiguous())
    assert best.take().columns.tolist() == [[2999, 2998, 2997, 2996, 2995]] * 2


def test_columns_have_their_own_numbers_which_also_settle_what_is_equal() -> None:
    best = TopColumns(1, 2, torch.device("cpu"), numbers=torch.tensor([7, 3, 9, 1]))
    best.add(slice(0, 1), 0, torch.tensor([[1.0, 1.0]]))
    best.add(slice(0, 1), 2, torch.tensor([[0.0, 1.0]]))
    assert best.take().columns.tolist() == [[9, 1]]


def test_infinity_is_never_taken() -> None:
    best = TopColumns(1, 2, torch.device("cpu"))
    best.add(slice(0, 1), 0, torch.tensor([[math.inf, 1.0, math.inf, 5.0]]))
    assert best.take().columns.tolist() == [[1, 3]]


def test_no_rows() -> None:
    assert TopColumns(0, 2, torch.device("cpu")).take().columns.shape == (0, 2)
