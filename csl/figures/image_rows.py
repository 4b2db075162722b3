"""Rows of images with a word under each, some of them marked as hits or misses."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from csl.figures.style import class_colors, literal, new_figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONGEST = 14  # letters under an image


class Tile(NamedTuple):
    """One image.

    Attributes:
        image: uint8 `[C, H, W]`.
        words: What stands under it, a line each.
        hit: Whether it is a hit (a frame and a tick) or a miss (a dashed frame and a cross); None for neither.
    """

    image: Tensor
    words: Sequence[str]
    hit: bool | None = None


def image_rows(rows: Sequence[Sequence[Tile]], *, title: str = "", gap_after: int = 0) -> "Figure":
    """Images in rows.

    Args:
        rows: The images, row by row; a row may be shorter.
        title: Of the figure.
        gap_after: A gap follows every so many images; none for 0.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    columns = max(map(len, rows))
    widths = [
        1.0 if not gap_after or (at + 1) % (gap_after + 1) else 0.3 for at in range(columns + _gaps(columns, gap_after))
    ]
    lines = max(len(tile.words) for row in rows for tile in row)
    figure = new_figure(max(4.0, 0.95 * sum(widths)), (0.95 + 0.16 * lines) * len(rows) + (0.35 if title else 0.0))
    grid = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, row in zip(grid, rows, strict=True):
        for number, tile in enumerate(row):
            _draw(line[number + (number // gap_after if gap_after else 0)], tile)
    if title:
        figure.suptitle(literal(title), fontsize=10)
    return figure


def _gaps(columns: int, gap_after: int) -> int:
    return (columns - 1) // gap_after if gap_after else 0


def _draw(axes: Any, tile: Tile) -> None:
    show_image(axes, tile.image.float() / 255)
    axes.set_axis_on()
    mark = "" if tile.hit is None else "✓ " if tile.hit else "✗ "
    words = [literal(word) for word in tile.words]
    short = [word if len(word) <= _LONGEST else f"{word[: _LONGEST - 1]}…" for word in words]
    axes.set_xlabel(mark + "\n".join(short), fontsize=7, labelpad=2)
    color = "black" if tile.hit is None else class_colors(3)[0 if tile.hit else 2]
    for edge in axes.spines.values():
        edge.set(visible=True, color=color, linewidth=0.5 if tile.hit is None else 2.0)
        edge.set_linestyle("--" if tile.hit is False else "-")
