"""Pairs of images and an augmented view of each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from csl.figures.style import new_figure, show_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def pair_gallery(kinds: Mapping[str, tuple[Tensor, Sequence[Tensor]]]) -> "Figure":
    """One row a kind of pairs: two images beside a view of each, pair after pair.

    Args:
        kinds: Pairs of uint8 images `[P, 2, C, H, W]` and the views of the first and of the second image, float in
            [0, 1] `[P, C, S, S]`, by kind.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    columns = max(len(images) for images, _ in kinds.values())
    figure = new_figure(2.3 * columns, 2.6 * len(kinds))
    rows = figure.subfigures(len(kinds), 1, squeeze=False)[:, 0]
    for row, (kind, (images, views)) in zip(rows, kinds.items(), strict=True):
        row.suptitle(f"{kind}: images above, a view of each below", fontsize=10, x=0.01, ha="left")
        widths = [1.0, 1.0, 0.25] * columns  # a gap after each pair
        _draw(row.subplots(2, len(widths), squeeze=False, width_ratios=widths), images, views)
    return figure


def _draw(grid: Any, images: Tensor, views: Sequence[Tensor]) -> None:
    for axes in grid.flat:
        axes.set_axis_off()
    for number, pair in enumerate(images):
        for side in (0, 1):
            show_image(grid[0, 3 * number + side], pair[side].float() / 255)
            show_image(grid[1, 3 * number + side], views[side][number])
