import math

import pytest
import torch

from csl.modules import grid_positions


def test_each_place_has_the_waves_of_its_row_and_its_column() -> None:
    found = grid_positions(3, 8)
    for row in range(3):
        for column in range(3):
            angles = [place / 10000 ** (k / 2) for place in (row, column) for k in range(2)]
            expected = [
                *(math.sin(a) for a in angles[:2]),
                *(math.cos(a) for a in angles[:2]),
                *(math.sin(a) for a in angles[2:]),
                *(math.cos(a) for a in angles[2:]),
            ]
            torch.testing.assert_close(found[3 * row + column], torch.tensor(expected))


def test_a_length_that_four_does_not_divide_is_an_error() -> None:
    with pytest.raises(ValueError, match="dim: expected a multiple of 4, got 6"):
        grid_positions(2, 6)
