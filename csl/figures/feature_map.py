"""A map of the feature space: one point a sample, coloured by class."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from csl.figures.projection import Floats, pca, stratified_sample
from csl.figures.style import class_colors, literal, new_figure
from csl.figures.tsne import tsne
from csl.metrics.checks import check_input
from csl.pairwise import check_features, labels_fault

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Projection = Literal["tsne", "pca"]
_NAMED = 20  # more classes than this are no longer told apart by a legend


def feature_map(
    values: Tensor,
    labels: Tensor,
    class_names: Sequence[str],
    *,
    normalize: bool = True,
    projection: Projection = "tsne",
    perplexity: float = 30.0,
    max_samples: int = 2000,
    title: str = "",
    seed: int = 0,
) -> "Figure":
    """A 2-D map of features, coloured by class.

    t-SNE shows neighbourhoods (van der Maaten, Hinton, "Visualizing Data using t-SNE", 2008): distances between
    clumps, and their sizes, mean nothing. PCA shows the two directions of largest variance.

    Args:
        values: Features `[N, D]`.
        labels: Class indices `[N]`, 0 to C − 1; −1 for all of them where there are none, and all points look alike.
        class_names: Names of the C classes.
        normalize: Draw features with length 1; false for features as they are.
        projection: "tsne", started from the PCA, or "pca".
        perplexity: Effective number of neighbours that t-SNE looks at; lowered where there are too few samples.
        max_samples: At most so many samples are drawn, each class in its proportion.
        title: Of the figure.
        seed: Of the sample and of t-SNE; the random state of the program is neither used nor changed.

    Returns:
        A matplotlib figure that belongs to no window.

    Raises:
        ValueError: If features are no finite matrix, there are fewer than three samples, labels do not match or are
            not all named, or an option is out of range.

    Example:
        >>> import torch
        >>> figure = feature_map(torch.eye(6), torch.tensor([0, 0, 0, 1, 1, 1]), ["cat", "dog"], projection="pca")
        >>> [text.get_text() for text in figure.legends[0].get_texts()]
        ['cat', 'dog']
    """
    _check(values, labels, class_names, max_samples, perplexity)
    if projection not in ("tsne", "pca"):
        raise ValueError(f"projection: expected 'tsne' or 'pca', got {projection!r}")
    classes = labels.cpu().numpy().astype(np.int64)
    chosen = stratified_sample(classes, max_samples, seed)
    rows = values.detach().cpu().double()[torch.from_numpy(chosen)]
    rows = torch.nn.functional.normalize(rows, dim=1) if normalize else rows
    points, shares = pca(rows.numpy())
    if projection == "tsne":
        points = tsne(rows.numpy(), min(perplexity, (len(rows) - 1) / 3), seed, points)
    figure = new_figure(6.4, 5.4)
    axes = figure.add_subplot()
    axes.set_title(literal(title))
    _scatter(figure, axes, points, classes[chosen], class_names)
    _name_axes(axes, projection, shares, _count(len(chosen), len(classes)))
    return figure


def _check(values: Tensor, labels: Tensor, class_names: Sequence[str], max_samples: int, perplexity: float) -> None:
    if fault := labels_fault(values, labels):
        raise ValueError(fault)
    is_labelled = bool((labels >= 0).any())
    check_input(values, labels) if is_labelled else check_features(values)
    if len(values) < 3:
        raise ValueError(f"values: expected at least 3 samples for a map, got {len(values)}")
    if is_labelled and (int(labels.min()) < 0 or int(labels.max()) >= len(class_names)):
        raise ValueError(
            f"labels: expected 0 to {len(class_names) - 1}, the classes that are named, "
            f"got {int(labels.min())} to {int(labels.max())}"
        )
    if max_samples < 3:
        raise ValueError(f"max_samples: expected at least 3, got {max_samples}")
    if not perplexity > 0:
        raise ValueError(f"perplexity: expected a positive number, got {perplexity}")


def _scatter(
    figure: "Figure", axes: Any, points: Floats, classes: npt.NDArray[np.int64], class_names: Sequence[str]
) -> None:
    """Points of all classes in one layer and in random order, so that no class lies on top of another."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.lines import Line2D

    size = float(np.clip(9000 / len(points), 5, 40))
    if classes.max() < 0:
        axes.scatter(points[:, 0], points[:, 1], s=size, color=class_colors(1), linewidths=0, alpha=0.85)
        return
    colors = class_colors(len(class_names))
    axes.scatter(points[:, 0], points[:, 1], s=size, c=colors[classes], linewidths=0, alpha=0.85)
    if len(class_names) <= _NAMED:
        handles = [Line2D([], [], marker="o", linestyle="", markersize=6, color=color) for color in colors]
        figure.legend(handles, map(literal, class_names), loc="outside right center", frameon=False, handletextpad=0.1)
        return
    bounds = BoundaryNorm(np.arange(len(class_names) + 1) - 0.5, len(class_names))
    ticks = np.linspace(0, len(class_names) - 1, 6).round()
    bar = figure.colorbar(ScalarMappable(bounds, ListedColormap(colors)), ax=axes, label="class number", ticks=ticks)
    bar.ax.minorticks_off()


def _count(shown: int, total: int) -> str:
    return f"all {total:,} samples" if shown == total else f"{shown:,} of {total:,} samples"


def _name_axes(axes: Any, projection: Projection, shares: Floats, count: str) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    if projection == "pca":
        axes.set_xlabel(f"first component, {shares[0]:.0%} of the variance  ({count})")
        axes.set_ylabel(f"second component, {shares[1]:.0%}")
    else:
        axes.set_xlabel(f"t-SNE of {count}")
