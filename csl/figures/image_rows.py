"""Rows of images with a word under each, some of them marked as hits or misses."""

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from torch import Tensor

from csl.figures.style import class_colors, literal, new_figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LONGEST = 14  # letters in a line under an image


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


def image_rows(rows: Sequence[Sequence[Tile]], *, title: str = "", gaps: Sequence[int] = ()) -> "Figure":
    """Images in rows.

    Args:
        rows: The images, row by row; a row may be shorter.
        title: Of the figure.
        gaps: Before which columns there is a gap.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    columns = max(map(len, rows))
    before = [at for at in gaps if at < columns]
    widths = [width for at in range(columns) for width in ([0.3, 1.0] if at in before else [1.0])]
    lines = max(len(_lines(tile)) for row in rows for tile in row)
    figure = new_figure(max(4.0, 0.95 * sum(widths)), (0.95 + 0.16 * lines) * len(rows) + (0.35 if title else 0.0))
    grid = figure.subplots(len(rows), len(widths), squeeze=False, width_ratios=widths)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, row in zip(grid, rows, strict=True):
        for number, tile in enumerate(row):
            _draw(line[number + sum(at <= number for at in before)], tile)
    if title:
        figure.suptitle(literal(title), fontsize=10)
    return figure


def _lines(tile: Tile) -> list[str]:
    """What stands under an image: long words take two lines, and end in "…" where those are too short."""
    cut = [wrap(word, _LONGEST, max_lines=2, placeholder="…") or [""] for word in tile.words]
    return [line for lines in cut for line in lines]


def _draw(axes: Any, tile: Tile) -> None:
    show_image(axes, tile.image.float() / 255)
    axes.set_axis_on()
    mark = "" if tile.hit is None else "✓ " if tile.hit else "✗ "
    axes.set_xlabel(mark + "\n".join(map(literal, _lines(tile))), fontsize=7, labelpad=2)
    color = "black" if tile.hit is None else class_colors(3)[0 if tile.hit else 2]
    for edge in axes.spines.values():
        edge.set(visible=True, color=color, linewidth=0.5 if tile.hit is None else 2.0)
        edge.set_linestyle("--" if tile.hit is False else "-")
