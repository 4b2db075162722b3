import math

import pytest
import torch
from torch import Tensor

from csl.pairwise.top import TopColumns


def expected(scores: Tensor, k: int) -> list[list[int]]:
    return [sorted(range(len(row)), key=lambda j: (-row[j], j))[:k] for row in scores.tolist()]


@pytest.mark.parametrize("distinct", [2, 5, 10_000])
@pytest.mark.parametrize("k", [1, 3, 70, 500])
@pytest.mark.parametrize("width", [7, 100, 500])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_best_come_in_order_however_the_tiles_come(distinct: int, k: int, width: int, backwards: bool) -> None:
    generator = torch.Generator().manual_seed(k)
    scores = torch.randint(distinct, (6, 500), generator=generator).float()
    best = TopColumns(6, k, scores.device, with_values=True)
    firsts = list(range(0, 500, width))
    for first in reversed(firsts) if backwards else firsts:
        for rows in (slice(0, 4), slice(4, 6)):
            tile = scores[rows, first : first + width]
            best.add(rows, first, tile, 2 * tile)
    values, columns, travelled = best.take()
    assert columns.tolist() == expected(scores, k)
    assert torch.equal(values, scores.gather(1, columns))
    assert travelled is not None
    assert torch.equal(travelled, 2 * values)


def test_rising_scores_replace_all_that_went_before() -> None:
    scores = torch.arange(3000.0).expand(2, -1)
    best = TopColumns(2, 5, scores.device)
    for first in range(0, 3000, 50):
        best.add(slice(0, 2), first, scores[:, first : first + 50])
    assert best.take().columns.tolist() == [[2999, 2998, 2997, 2996, 2995]] * 2


def test_minus_infinity_is_never_taken() -> None:
    best = TopColumns(1, 2, torch.device("cpu"))
    best.add(slice(0, 1), 0, torch.tensor([[-math.inf, 1.0, -math.inf, -5.0]]))
    assert best.take().columns.tolist() == [[1, 3]]


def test_no_rows() -> None:
    assert TopColumns(0, 2, torch.device("cpu")).take().columns.shape == (0, 2)
