"""Maps side by side: one row a layout, one column an encoder, the same samples and colours on each."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from csl.figures.projection import Floats
from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "os^DvP*X<>"
_COLORS = 10
_LISTED = 20  # more classes than this are listed below the maps, with their numbers on them
_MOST = 100  # more classes than this share looks, and are not named


class Panel(NamedTuple):
    """One map.

    Attributes:
        title: What stands above it.
        side: What stands left of it.
        note: What stands below it, such as how far it can be trusted.
        points: Positions `[n, 2]`.
        classes: Class numbers `[n]`; −1 where there are none.
    """

    title: str
    side: str
    note: str
    points: Floats
    classes: npt.NDArray[np.int64]


def map_grid(rows: Sequence[Sequence[Panel]], class_names: Sequence[str], *, title: str = "") -> "Figure":
    """Maps of the same samples side by side.

    Ten colours that colour-blind readers tell apart, too, with ten shapes: up to 100 classes look different. Each class
    is named where most of it lies: by its name, or by a number that is listed below where there are more than 20.

    Args:
        rows: The maps, row by row, as many in each.
        class_names: Names of the classes.
        title: Of the figure.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    columns = max(map(len, rows))
    listed = _LISTED < len(class_names) <= _MOST
    side = 5.0 if listed else 3.5
    width = max(4.0, side * columns + (0.0 if listed else 1.1))
    below = _listing_height(class_names, width) if listed else 0.0
    figure = new_figure(width, (side + 0.25) * len(rows) + below)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes, panel in (
        (a, p) for line, panels in zip(grid, rows, strict=True) for a, p in zip(line, panels, strict=False)
    ):
        _draw(axes, panel, class_names)
    if title:
        figure.suptitle(literal(title), fontsize=11)
    if class_names and len(class_names) <= _MOST:
        _name_classes(figure, class_names, listed)
    return figure


def look(label: int) -> tuple[Any, str]:
    """The colour and the shape of a class."""
    return class_colors(_COLORS)[label % _COLORS], MARKERS[label // _COLORS % len(MARKERS)]


def _draw(axes: Any, panel: Panel, class_names: Sequence[str]) -> None:
    size = float(np.clip(6000 / len(panel.points), 3, 24))
    order = np.random.default_rng(0).permutation(len(panel.points))
    # In a few layers, each with a share of every class, so that no class lies on top of another.
    for layer in np.array_split(order, 8):
        for label in np.unique(panel.classes[layer]):
            own = layer[panel.classes[layer] == label]
            color, marker = look(int(label)) if label >= 0 else (class_colors(1)[0], "o")
            axes.scatter(*panel.points[own].T, s=size, color=[color], marker=marker, linewidths=0, rasterized=True)
    if class_names and len(class_names) <= _MOST:
        _label(axes, panel, class_names)
    axes.set_title(literal(panel.title), fontsize=10)
    axes.set_xlabel(panel.note, fontsize=8)
    axes.set_ylabel(literal(panel.side), fontsize=10)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")


def _label(axes: Any, panel: Panel, class_names: Sequence[str]) -> None:
    """Name each class where most of it lies."""
    from matplotlib.patheffects import withStroke

    for label in np.unique(panel.classes):
        x, y = densest(panel.points[panel.classes == label])
        text = literal(class_names[label]) if len(class_names) <= _LISTED else str(label)
        short = text if len(text) <= 14 else f"{text[:13]}…"
        halo = [withStroke(linewidth=2.5, foreground="white")]
        axes.text(
            x,
            y,
            short,
            fontsize=8 if len(class_names) <= _LISTED else 6,
            weight="bold",
            ha="center",
            va="center",
            path_effects=halo,
        )


def densest(points: Floats) -> Floats:
    """The point `[2]` whose nearest third of the others is nearest, among at most 500.

    Example:
        >>> densest(np.array([[0.0, 0.0], [5.0, 0.0], [5.1, 0.0], [5.2, 0.0], [9.0, 9.0]])).tolist()
        [5.0, 0.0]
    """
    some = points[np.linspace(0, len(points) - 1, min(len(points), 500)).astype(int)]
    apart = np.sort(((some[:, None] - some[None]) ** 2).sum(axis=2), axis=1)
    found: Floats = some[apart[:, : max(2, len(some) // 3)].sum(axis=1).argmin()]
    return found


def _listing_columns(class_names: Sequence[str], width: float) -> int:
    """How many columns of names, with their numbers, fit into a width in inches."""
    return max(1, int(width * 72 / (3.7 * (max(map(len, class_names)) + 9))))


def _listing_height(class_names: Sequence[str], width: float) -> float:
    """The height of all names in such columns, in inches."""
    return 0.13 * float(np.ceil(len(class_names) / _listing_columns(class_names, width))) + 0.1


def _name_classes(figure: "Figure", class_names: Sequence[str], listed: bool) -> None:
    from matplotlib.lines import Line2D

    looks = [look(label) for label in range(len(class_names))]
    handles = [Line2D([], [], marker=m, linestyle="", markersize=5, color=c, markeredgewidth=0) for c, m in looks]
    names = [literal(name) for name in class_names]
    if listed:
        names = [f"{number} {name}" for number, name in enumerate(names)]
        columns = _listing_columns(class_names, figure.get_figwidth())
        figure.legend(handles, names, ncols=columns, fontsize=6, loc="outside lower center", frameon=False)
    else:
        figure.legend(handles, names, loc="outside right center", frameon=False, fontsize=8, handletextpad=0.1)
