"""Where a graph beats a hyperplane: GCN minus linear accuracy against local density."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def gap_plot(groups: Mapping[str, Sequence[tuple[float, float]]], *, temperature: float = 0.1) -> "Figure":
    """One dot for each checkpoint: RLD to the right, the GCN's lead over the linear probe upwards.

    Args:
        groups: For each group, points (RLD, GCN minus linear accuracy from -1 to 1).
        temperature: T of RLD, for the axis.

    Example:
        >>> figure = gap_plot({"SimCLR": [(0.7, 0.01), (0.8, 0.02)]})
        >>> figure.axes[0].get_xlabel()
        'local density: RLD at T = 0.1'
    """
    figure = new_figure(5.2, 3.6)
    axes: Any = figure.add_subplot()
    axes.axhline(0, color="0.6", linewidth=0.8)
    for color, (name, points) in zip(class_colors(len(groups)), groups.items(), strict=True):
        x, y = [point[0] for point in points], [100 * point[1] for point in points]
        axes.scatter(x, y, color=[color], s=30, alpha=0.8, linewidths=0, label=literal(name))
    axes.set_xlabel(f"local density: RLD at T = {temperature:g}")
    axes.set_ylabel("GCN minus linear accuracy\n(percentage points)")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9)
    return figure
