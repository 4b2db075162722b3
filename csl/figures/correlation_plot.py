"""How closely measures follow accuracies: rank correlations with their intervals."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STEP = 0.22  # between the intervals of one measure, in rows


def correlation_plot(found: Mapping[str, Mapping[str, tuple[float, float, float]]]) -> "Figure":
    """One row for each measure, on it one interval for each accuracy; the closest followers on top.

    Measures are in the order of their mean correlation.

    Args:
        found: For each measure, for each accuracy: the correlation and the ends of its interval, from -1 to 1.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If there is no correlation.

    Example:
        >>> figure = correlation_plot({"RankMe": {"kNN": (0.1, -0.4, 0.5)}, "LiDAR": {"kNN": (0.8, 0.6, 0.9)}})
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['LiDAR', 'RankMe']
    """
    if not any(found.values()):
        raise ValueError("found: expected a correlation of some measure, got none")
    order = sorted(found, key=lambda name: -np.mean([value for value, *_ in found[name].values()]))
    targets = list(dict.fromkeys(target for name in order for target in found[name]))
    figure = new_figure(6.4, 1.4 + 0.36 * len(order))
    axes: Any = figure.add_subplot()
    axes.axvline(0, color="0.6", linewidth=0.8)
    for number, (color, target) in enumerate(zip(class_colors(len(targets)), targets, strict=True)):
        rows = [row for row, name in enumerate(order) if target in found[name]]
        value, low, high = np.array([found[order[row]][target] for row in rows]).T
        places = np.array(rows) + _STEP * (number - (len(targets) - 1) / 2)
        axes.hlines(places, low, high, color=[color], linewidth=1.6, alpha=0.7)
        axes.scatter(value, places, color=[color], s=26, zorder=3, label=literal(target))
    axes.set_yticks(range(len(order)), [literal(name) for name in order])
    axes.set(ylim=(len(order) - 0.5, -0.5), xlim=(-1.05, 1.05))
    axes.set_xlabel("Spearman's rank correlation with held-out accuracy, 95 % interval")
    axes.grid(axis="x", alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=len(targets), frameon=False, fontsize=9)
    return figure
