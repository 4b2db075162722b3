"""Sums of the similarity w over pairs of classes: all that relative local density asks of the N×N pairs."""

from collections.abc import Sequence

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, gather_rows
from csl.pairwise.checks import check_temperatures, refuse
from csl.pairwise.kernel import Kernel
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.row_sums import row_sums
from csl.pairwise.tiles import Tile


@full_precision()
def weight_block_sums(
    features: Tensor, labels: Tensor, num_classes: int, temperatures: Sequence[float], *, group: Group = None
) -> Tensor:
    """`Σ_{i in c, j in c'} w_ij` for every two classes, with `w_ij = N² a_ij² / (r_i r_j)`.

    Three passes over the pairs for all temperatures together: mean distance, row sums, block sums. Rows are taken
    in the order of their labels, so that a tile holds few classes and near pairs, mostly of one class, lie together.

    Args:
        features: This process's rows `[n, D]`.
        labels: Their classes `[n]`, integers from 0 to `num_classes` − 1.
        num_classes: C.
        temperatures: T values.
        group: The processes that hold the other rows.

    Returns:
        float64 `[T, C, C]`, symmetric, on the N² scale, on every process; its sum over all blocks is W.

    Raises:
        ValueError: If the features are no finite floating-point matrix, labels do not match, or a T is not positive.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> weight_block_sums(x, torch.tensor([0, 0, 1, 1]), 2, [0.1])[0].round(decimals=3)
        tensor([[32.,  0.],
                [ 0., 32.]], dtype=torch.float64)
    """
    values = check_temperatures(temperatures)
    refuse(_fault(features, labels, num_classes), group)
    labels = labels.to(features.device)
    order = labels.argsort(stable=True)
    pairs = Pairs(features, group=group, order=order)
    kernels = [Kernel.around(pairs.distances.nearest, 1 / (pairs.scale * t)) for t in values]
    shares = [1 / sums for sums in row_sums(pairs, kernels)]
    classes = gather_rows(labels[order], group)
    ranges = classes.cpu()
    blocks = torch.zeros(len(values), num_classes, num_classes, dtype=torch.float64, device=pairs.device)
    for tile in pairs.tiles():
        rows, columns = _class_range(ranges, tile.rows), _class_range(ranges, tile.columns)
        for total, kernel, share in zip(blocks, kernels, shares, strict=True):
            part = _tile_sums(tile, kernel, share, classes, rows, columns)
            total[rows, columns] += part
            if tile.mirrored:
                total[columns, rows] += part.T
    return all_reduce(blocks, group) * pairs.num_rows**2


def _fault(features: Tensor, labels: Tensor, num_classes: int) -> str | None:
    if labels.shape != features.shape[:1]:
        return f"labels must be [{len(features)}], one a row of features, got shape {tuple(labels.shape)}"
    if len(labels) and (int(labels.min()) < 0 or int(labels.max()) >= num_classes):
        return f"labels must be between 0 and {num_classes - 1}, got {int(labels.min())} to {int(labels.max())}"
    return None


def _class_range(classes: Tensor, part: slice) -> slice:
    """The classes that a block of rows spans; labels ascend within it because tiles do not cross processes."""
    return slice(int(classes[part.start]), int(classes[part.stop - 1]) + 1)


def _tile_sums(tile: Tile, kernel: Kernel, share: Tensor, classes: Tensor, rows: slice, columns: slice) -> Tensor:
    """Class-by-class sums of `a_ij a_ji / (r_i r_j)` over one tile."""
    by_row = _membership(classes[tile.rows], share[tile.rows], rows)
    by_column = _membership(classes[tile.columns], share[tile.columns], columns)
    sums = kernel.squares(tile) @ by_column.float()
    return by_row.T @ sums.double()


def _membership(classes: Tensor, share: Tensor, span: slice) -> Tensor:
    """`1 / r` of each sample in its class's column `[n, classes of the span]`, float64."""
    table = share.new_zeros(len(classes), span.stop - span.start)
    return table.scatter_(1, (classes - span.start)[:, None], share[:, None])
