"""Rank correlations as intervals."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from csl.figures import correlation_plot


def test_dots_and_intervals_stand_where_the_numbers_say() -> None:
    figure = correlation_plot(
        {
            "RankMe": {"kNN": (0.1, -0.4, 0.5), "linear": (0.2, -0.1, 0.4)},
            "LiDAR $x$": {"kNN": (0.8, 0.6, 0.9)},
        }
    )
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == [r"LiDAR \$x\$", "RankMe"]
    intervals = {
        (round(float(one[0, 0]), 3), round(float(one[1, 0]), 3), round(float(one[0, 1])))
        for lines in axes.collections
        if isinstance(lines, LineCollection)
        for one in lines.get_segments()
    }
    assert intervals == {(0.6, 0.9, 0), (-0.4, 0.5, 1), (-0.1, 0.4, 1)}
    offsets = [np.asarray(one.get_offsets()).round(2).tolist() for one in axes.collections]
    dots = {tuple(place) for places in offsets for place in places if place != [0.0, 0.0]}
    assert dots == {(0.8, -0.11), (0.1, 0.89), (0.2, 1.11)}


def test_nothing_to_show_is_refused() -> None:
    with pytest.raises(ValueError, match="found: expected a correlation of some measure, got none"):
        correlation_plot({"RankMe": {}})
