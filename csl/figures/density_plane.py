"""The plane of local against global density: where encoders lie, and how they came there."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from csl.figures.projection import Floats
from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST_RLD, _LEAST_CHS = 0.1, 3.0  # what the axes span at least: a difference, and a factor
# The legend, which lies below the plane: the height of a line in inches; the length of one, and of a dot, in letters.
_LINE, _CHARACTERS, _MARKER = 0.19, 84, 6


class Way(NamedTuple):
    """One run's way through the plane.

    Attributes:
        rld: Relative local density after some epochs `[E]`.
        chs: Calinski-Harabasz score `[E]`.
    """

    rld: Sequence[float]
    chs: Sequence[float]


def density_plane(groups: Mapping[str, Sequence[Way]], *, temperature: float = 0.1) -> "Figure":
    """RLD to the right, Calinski-Harabasz upwards on a log scale; one colour for each group of seeds.

    The axes span 0.1 of RLD and a factor of three of Calinski-Harabasz at least, so that small differences look small.
    A run's epochs are a thin line that ends in a dot. Where a group has three runs or more, an ellipse holds about
    two thirds of them: one standard deviation of a normal distribution with their covariance.

    Args:
        groups: The runs of each group, by its name.
        temperature: T of RLD, for the axis.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If no run has a point with both numbers.

    Example:
        >>> figure = density_plane({"SimCLR": [Way([0.2, 0.7], [40.0, 90.0])], "Supervised": [Way([0.8], [900.0])]})
        >>> figure.axes[0].get_yscale()
        'log'
    """
    known = {name: [_known(way) for way in ways] for name, ways in groups.items()}
    known = {name: [points for points in ways if len(points)] for name, ways in known.items()}
    known = {name: ways for name, ways in known.items() if ways}
    if not known:
        raise ValueError("groups: expected runs with RLD and a Calinski-Harabasz score above 0, got none")
    from matplotlib.ticker import LogFormatter, ScalarFormatter

    columns = max(1, _CHARACTERS // (_MARKER + max(map(len, known))))
    figure = new_figure(6.4, 4.4 + _LINE * math.ceil(len(known) / columns))
    axes: Any = figure.add_subplot()
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    for color, (name, ways) in zip(class_colors(len(known)), known.items(), strict=True):
        for points in ways:
            axes.plot(points[:, 0], points[:, 1], "-", color=color, linewidth=1.0, alpha=0.6)
        ends = np.array([points[-1] for points in ways])
        axes.scatter(ends[:, 0], ends[:, 1], color=[color], s=42, zorder=3, label=literal(name), edgecolor="white")
        if len(ends) > 2:
            around = _ellipse(ends)
            axes.fill(around[:, 0], around[:, 1], color=color, alpha=0.18, linewidth=0)
    axes.set_xlabel(f"local density: RLD at T = {temperature:g}")
    axes.set_ylabel("global density: Calinski-Harabasz score")
    axes.grid(alpha=0.25, linewidth=0.6, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(0.12)
    low, high = axes.get_xlim()
    axes.set_xlim(*_widened(low, high, _LEAST_RLD))
    low, high = axes.get_ylim()
    low, high = _widened(math.log(low), math.log(high), math.log(_LEAST_CHS))
    axes.set_ylim(math.exp(low), math.exp(high))
    figure.legend(frameon=False, fontsize=9, loc="outside lower left", ncols=columns)
    return figure


def _widened(low: float, high: float, least: float) -> tuple[float, float]:
    """The same middle, and at least this span, so that small differences look small."""
    more = max(0.0, least - (high - low)) / 2
    return low - more, high + more


def _known(way: Way) -> Floats:
    points = np.array([way.rld, way.chs], dtype=np.float64).T.reshape(-1, 2)
    return np.asarray(points[np.isfinite(points).all(axis=1) & (points[:, 1] > 0)])


def _ellipse(points: Floats) -> Floats:
    """One standard deviation around the mean of points, upwards in logarithms `[64, 2]`."""
    places = np.column_stack([points[:, 0], np.log(points[:, 1])])
    values, vectors = np.linalg.eigh(np.cov(places.T))
    angles = np.linspace(0, 2 * np.pi, 64)
    circle = np.column_stack([np.cos(angles), np.sin(angles)]) * np.sqrt(np.maximum(values, 0))
    around = places.mean(axis=0) + circle @ vectors.T
    return np.column_stack([around[:, 0], np.exp(around[:, 1])])
