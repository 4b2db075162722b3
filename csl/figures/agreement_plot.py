"""Neighbour agreement against the number of neighbours."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = ("-", "--", "-.", ":")


def agreement_plot(ks: Sequence[int], agreement: Mapping[str, Sequence[float]], best: Sequence[float]) -> "Figure":
    """One curve an encoder, below the best that the sizes of the classes allow.

    Args:
        ks: Numbers of neighbours.
        agreement: The mean share of the k nearest that have a sample's class, for each k, by the encoder's name.
        best: What it would be if each class lay apart from all others.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    figure = new_figure(5.6, 3.8)
    axes = figure.add_subplot()
    axes.plot(ks, best, color="0.6", linewidth=1.0, linestyle=(0, (1, 1.5)), label="classes all apart")
    for number, values in enumerate(agreement.values()):
        color, style = class_colors(10)[number % 10], _STYLES[number % 4]
        axes.plot(ks, values, color=color, linestyle=style, linewidth=1.8)
    handles = axes.get_lines()
    axes.legend(handles, ["classes all apart", *map(literal, agreement)], frameon=False, fontsize=8)
    axes.set(xscale="log", xlabel="k nearest neighbours", ylabel="share of the sample's class", ylim=(0, 1.02))
    axes.set_xlim(1, max(2, max(ks)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(alpha=0.3, linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return figure
