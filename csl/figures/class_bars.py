"""What each class adds to a sum, as bars."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from csl.figures.style import class_colors, literal, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 40  # more classes than this leave no room for their names


def class_bars(values: Tensor, class_names: Sequence[str], *, title: str = "", label: str = "") -> "Figure":
    """One bar per class, the longest on top; a negative one has another colour.

    Args:
        values: One number per class `[C]`.
        class_names: Names of the C classes.
        title: Of the figure.
        label: What the numbers are.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If the values are not finite, there are none, or the names do not match.

    Example:
        >>> import torch
        >>> figure = class_bars(torch.tensor([0.05, 0.08, -0.01]), ["cat", "dog", "frog"])
        >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
        ['dog', 'cat', 'frog']
    """
    numbers = values.detach().cpu().double().numpy()
    if numbers.ndim != 1 or not len(numbers) or not np.isfinite(numbers).all():
        raise ValueError(f"values: expected a finite number for each class, got shape {numbers.shape} or NaN in it")
    if len(class_names) != len(numbers):
        raise ValueError(f"class_names: expected the {len(numbers)} classes of the values, got {len(class_names)}")
    order = np.argsort(-numbers, kind="stable")
    places, sorted_numbers = np.arange(len(order)), numbers[order]
    figure = new_figure(6.4, float(np.clip(1.2 + 0.26 * len(order), 2.4, 9.0)))
    axes = figure.add_subplot()
    axes.set_title(literal(title))
    colors = class_colors(3)
    axes.barh(places, sorted_numbers, color=[colors[0] if number >= 0 else colors[2] for number in sorted_numbers])
    axes.axvline(0, color="black", linewidth=0.8)
    axes.invert_yaxis()
    if len(order) <= _NAMED:
        axes.set_yticks(places, [literal(class_names[i]) for i in order])
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(order)} classes, in order")
    axes.set_xlabel(label)
    axes.margins(y=0.02)
    for edge in ("top", "right"):
        axes.spines[edge].set_visible(False)
    return figure
