"""The synthetic shapes with their scores, and the scores against the number of clumps a class."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from csl.figures.style import class_colors, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shapes_plot(
    points: Mapping[str, tuple[Tensor, Tensor]],
    scores: Mapping[str, tuple[float, float]],
    clumps: Mapping[str, Sequence[float]],
    *,
    temperature: float,
) -> "Figure":
    """One panel a shape, coloured by class, above RLD and CHS against the number of clumps a class.

    Args:
        points: Points `[N, 2]` and classes `[N]` of each shape.
        scores: RLD and CHS of each shape.
        clumps: The columns clumps, rld, rld_lowest, rld_highest, chs, chs_lowest and chs_highest.
        temperature: Of RLD, for its name.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    figure = new_figure(2.05 * len(points), 5.2)
    parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    above, below = parts
    for axes, (name, (rows, classes)) in zip(above.subplots(1, len(points)), points.items(), strict=True):
        axes.scatter(rows[:, 0], rows[:, 1], s=2, c=class_colors(int(classes.max()) + 1)[classes], linewidths=0)
        axes.set_title(f"{name}\nRLD {scores[name][0]:.2f}, CHS {_short(scores[name][1])}", fontsize=10)
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.set_adjustable("datalim")
    left, right = below.subplots(1, 2)
    _curve(left, clumps, "rld", f"RLD (T = {temperature:g})")
    _curve(right, clumps, "chs", "CHS (log scale)")
    right.set_yscale("log")
    return figure


def _short(score: float) -> str:
    return f"{score:,.0f}" if score >= 100 else f"{score:.1f}"


def _curve(axes: Any, columns: Mapping[str, Sequence[float]], name: str, label: str) -> None:
    """The mean of a score with the range over draws."""
    color = class_colors(2)[0 if name == "rld" else 1]
    axes.fill_between(columns["clumps"], columns[f"{name}_lowest"], columns[f"{name}_highest"], color=color, alpha=0.2)
    axes.plot(columns["clumps"], columns[name], color=color, linewidth=1.8)
    axes.set(xlabel="clumps a class", ylabel=label, xlim=(min(columns["clumps"]), max(columns["clumps"])))
    axes.grid(alpha=0.3, linewidth=0.6)
    if name == "rld":
        axes.set_ylim(0, 1)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
