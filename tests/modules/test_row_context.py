import pytest
import torch

from csl.modules import RowContext


def _seen(depth: int, row: int, column: int) -> torch.Tensor:
    """Which places of a grid of 7×7 a context depends on."""
    torch.manual_seed(0)
    context = RowContext(32, hidden_dim=16, depth=depth).double()
    grid = torch.randn(1, 32, 7, 7, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(context(grid)[0, :, row, column].sum(), grid)
    return slope[0].abs().sum(dim=0) > 0


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_a_place_sees_its_row_and_those_above_as_far_as_blocks_reach(depth: int) -> None:
    expected = torch.zeros(7, 7, dtype=torch.bool)
    expected[max(0, 4 - depth) : 5, max(0, 3 - depth) : 4 + depth] = True
    assert torch.equal(_seen(depth, 4, 3), expected)


@pytest.mark.parametrize("name", ["dim", "hidden_dim", "depth"])
def test_numbers_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        RowContext(**({"dim": 2, "hidden_dim": 2, "depth": 1} | {name: 0}))
