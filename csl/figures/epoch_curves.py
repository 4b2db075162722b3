"""Measurements against epochs, as small charts side by side."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The charts in their order: title, and the scalars in it with what the legend calls them.
CHARTS: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("Loss", {"train/loss": "training views", "val/loss": "held-out views"}),
    ("Held-out accuracy", {"val/linear_accuracy": "linear", "val/knn_accuracy": "kNN", "val/gcn_accuracy": "GCN"}),
    ("Local density: RLD", {"val/rld_0.1": "T = 0.1", "val/rld_0.2": "T = 0.2", "val/rld_1.0": "T = 1.0"}),
    ("Global density: Calinski-Harabasz", {"val/calinski_harabasz": "CHS"}),
    ("Directions in use", {"val/rankme": "RankMe", "train/lidar": "LiDAR", "val/effective_rank": "effective rank"}),
    ("Spread over the sphere", {"val/uniformity": "uniformity"}),
)
STYLES: tuple[Any, ...] = ("-", "--", ":")


def epoch_curves(runs: Mapping[str, Mapping[int, Mapping[str, float]]]) -> "Figure":
    """How runs went: one colour for each run, one line style for each scalar of a chart.

    Args:
        runs: For each run's name, for each epoch, scalars by name. NaN and what is missing leave a gap.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If no run has a scalar of any chart.

    Example:
        >>> figure = epoch_curves({"SimCLR": {10: {"val/rld_0.1": 0.6}, 20: {"val/rld_0.1": 0.7}}})
        >>> [axes.get_title() for axes in figure.axes]
        ['Local density: RLD']
    """
    known = {name for epochs in runs.values() for values in epochs.values() for name in values}
    charts = [(title, {n: label for n, label in names.items() if n in known}) for title, names in CHARTS]
    charts = [chart for chart in charts if chart[1]]
    if not charts:
        raise ValueError("runs: expected scalars such as val/rld_0.1, got none that a chart shows")
    columns = min(3, len(charts))
    rows = -(-len(charts) // columns)
    figure = new_figure(4.2 * columns, 3.1 * rows + 0.5)
    grid = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (title, names) in zip(grid, charts, strict=False):
        _draw(axes, title, names, runs)
    for axes in list(figure.axes)[len(charts) :]:
        axes.remove()
    if len(runs) > 1:
        _name_runs(figure, list(runs))
    return figure


def _draw(
    axes: Any, title: str, names: Mapping[str, str], runs: Mapping[str, Mapping[int, Mapping[str, float]]]
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.ticker import MaxNLocator

    colors = class_colors(len(runs))
    for color, epochs in zip(colors, runs.values(), strict=True):
        for style, name in zip(STYLES, names, strict=False):
            values = [values.get(name, np.nan) for values in epochs.values()]
            axes.plot(list(epochs), values, style, color=color, marker="o", markersize=3, linewidth=1.4)
    axes.set_title(title, fontsize=11)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25, linewidth=0.6)
    if len(names) > 1:
        handles = [Line2D([], [], linestyle=style, color="0.3") for style, _ in zip(STYLES, names, strict=False)]
        axes.legend(handles, names.values(), fontsize=8, frameon=False)


def _name_runs(figure: "Figure", names: list[str]) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=color, linewidth=3) for color in class_colors(len(names))]
    figure.legend(handles, map(literal, names), loc="outside lower center", ncols=min(4, len(names)), frameon=False)
