import math
from itertools import pairwise
from statistics import median

import pytest
import torch

from csl.study.shape_scores import Score, clump_scores, shape_scores
from csl.study.shape_study import shape_study
from csl.study.shapes import SHAPES, draw, draw_clumps

# Shape, RLD at 0.05 and CHS in the paper; CHS may differ by this factor between draws.
PAPER = [
    ("uniform", 0.0, 1.72, 4),
    ("circles", 0.75, 1.05, 4),
    ("lines", 0.74, 0.44, 5),
    ("small clumps", 0.72, 13.17, 3),
    ("random segments", 0.74, 9577, 10),
    ("Gaussians", 0.79, 12179, 1.1),
]


@pytest.mark.parametrize(("shape", "rld", "chs", "factor"), PAPER)
def test_the_scores_are_those_of_the_paper(shape: str, rld: float, chs: float, factor: float) -> None:
    scores = [Score.of(*draw(shape, seed)) for seed in range(5)]
    assert median(score.rld for score in scores) == pytest.approx(rld, abs=0.04 if "segments" in shape else 0.02)
    assert chs / factor < median(score.chs for score in scores) < chs * factor


def test_chs_does_not_see_what_rld_sees() -> None:
    table = {row[0]: (float(row[1] or 0), float(row[2] or 0)) for row in shape_scores(seed=1).rows}
    assert list(table) == list(SHAPES)
    assert all(table[shape][0] > 0.65 and table[shape][1] < 30 for shape in ("circles", "lines", "small clumps"))
    assert table["Gaussians"][1] > 1000


@pytest.mark.parametrize("count", [1, 7, 20, 50])
def test_a_class_lies_in_so_many_clumps_of_nearly_the_same_size(count: int) -> None:
    points, classes = draw_clumps(count, seed=3)
    own = points[classes == 2]
    jumps = (own[1:] - own[:-1]).norm(dim=1) > 0.08  # six times the noise
    ends = [0, *(jumps.nonzero()[:, 0] + 1).tolist(), 300]
    sizes = {end - start for start, end in pairwise(ends)}
    assert len(ends) - 1 <= count
    assert count == 50 or len(ends) - 1 == count
    assert min(sizes) >= 300 // count


def test_more_clumps_lower_chs_by_orders_and_rld_slowly() -> None:
    table = clump_scores((1, 5, 50), draws=3)
    rld, chs = ([float(row[at] or 0) for row in table.rows] for at in (1, 4))
    assert chs[0] > 100 * chs[1] > 500 * chs[2]
    assert rld[0] > rld[1] > rld[2] > 0.5
    for row in table.rows:
        numbers = [float(cell or 0) for cell in row]
        assert numbers[2] <= numbers[1] <= numbers[3]
        assert numbers[5] <= numbers[4] <= numbers[6]


def test_the_seed_decides_the_draw() -> None:
    assert torch.equal(draw("lines", 4)[0], draw("lines", 4)[0])
    assert not torch.equal(draw("lines", 4)[0], draw("lines", 5)[0])
    assert not torch.equal(draw_clumps(3, 0)[0], draw_clumps(3, 1)[0])


def test_the_picture_has_a_panel_a_shape_and_a_curve_a_score() -> None:
    seen: list[float] = []
    figure = shape_study(draws=1, watch=lambda name, share: seen.append(share)).figures["shapes"]
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split("\n")[0] for title in titles] == [*SHAPES, "", ""]
    assert titles[1].endswith("RLD 0.75, CHS 1.0")
    assert [axes.get_ylabel() for axes in figure.axes[-2:]] == ["RLD (T = 0.05)", "CHS (log scale)"]
    assert figure.axes[-1].get_yscale() == "log"
    assert seen == sorted(seen)
    assert math.isclose(seen[-1], 1)


def test_refuses_what_is_no_shape() -> None:
    with pytest.raises(ValueError, match=r"shape: expected one of uniform, circles, .*, got 'square'"):
        draw("square")
    with pytest.raises(ValueError, match="clumps: expected 1 to 300 a class, got 0"):
        draw_clumps(0)
