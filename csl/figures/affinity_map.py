"""The class-by-class affinity as a heat map."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from csl.figures.projection import Floats
from csl.figures.style import literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PRINTED = 12  # more classes than this leave no room for numbers in the cells
_NAMED = 40  # more classes than this leave no room for their names
_FLOOR = 1e-3  # shares below this all have the colour of 0


def affinity_map(affinity: Tensor, class_names: Sequence[str], *, title: str = "") -> "Figure":
    """Which classes share neighbourhoods: where each class's similarity goes.

    Each row is divided by its sum, so that it tells which share of a class's similarity goes to each class; colours
    are on a log scale from 0.1 % to 100 %, since what is of interest besides the diagonal is small.

    Args:
        affinity: `[C, C]` as `csl.metrics.functional.class_affinity` gives it.
        class_names: Names of the C classes.
        title: Of the figure.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If the affinity is not square, holds NaN, infinity or negative values, or the names do not match.

    Example:
        >>> import torch
        >>> figure = affinity_map(torch.tensor([[0.4, 0.1], [0.1, 0.4]]), ["cat", "dog"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['80', '20', '20', '80']
    """
    table = affinity.detach().cpu().double().numpy()
    _check(table, class_names)
    sums = table.sum(axis=1, keepdims=True)
    shares = np.divide(table, sums, out=np.zeros_like(table), where=sums > 0)
    side = float(np.clip(2.6 + 0.42 * len(shares), 4.2, 9.0))
    figure = new_figure(side + 1.1, side)
    axes = figure.add_subplot()
    axes.set_title(literal(title))
    _draw(figure, axes, shares)
    _name_ticks(axes, class_names)
    if len(shares) <= _PRINTED:
        _print_cells(axes, shares)
    return figure


def _check(table: Floats, class_names: Sequence[str]) -> None:
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not len(table):
        raise ValueError(f"affinity: expected a square matrix [C, C], got shape {table.shape}")
    if not np.isfinite(table).all() or (table < 0).any():
        raise ValueError("affinity: expected finite values of 0 or more, got others (NaN where it is undefined)")
    if len(class_names) != len(table):
        raise ValueError(f"class_names: expected the {len(table)} classes of the affinity, got {len(class_names)}")


def _draw(figure: "Figure", axes: Any, shares: Floats) -> None:
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FuncFormatter

    image = axes.imshow(np.maximum(shares, _FLOOR), cmap="Blues", norm=LogNorm(_FLOOR, 1.0))
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.03, format=FuncFormatter(lambda x, _: f"{100 * x:g}"))
    bar.set_label("share of the row's similarity (%), log scale")
    bar.ax.minorticks_off()
    axes.set_ylabel("class")
    axes.set_xlabel("class of its neighbours")
    for edge in axes.spines.values():
        edge.set_visible(False)


def _name_ticks(axes: Any, class_names: Sequence[str]) -> None:
    count = len(class_names)
    if count > _NAMED:
        return
    names = list(map(literal, class_names))
    size = 10 if count <= _PRINTED else 7
    long = max(map(len, class_names)) > 3
    axes.set_xticks(
        range(count),
        names,
        fontsize=size,
        rotation=45 if long else 0,
        ha="right" if long else "center",
        rotation_mode="anchor",
    )
    axes.set_yticks(range(count), names, fontsize=size)
    axes.tick_params(length=0)


def _print_cells(axes: Any, shares: Floats) -> None:
    for (i, j), share in np.ndenumerate(shares):
        color = "white" if share > 0.1 else "black"
        axes.text(j, i, percent(float(share)), ha="center", va="center", color=color, fontsize=8)


def percent(share: float) -> str:
    """A share in percent with no more digits than a cell has room for.

    Example:
        >>> [percent(share) for share in (0.934, 0.0412, 0.0003, 0.0)]
        ['93', '4.1', '<0.1', '0']
    """
    value = 100 * share
    if value == 0:
        return "0"
    if value < 0.05:
        return "<0.1"
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"
