"""Sums of the distances from each sample to each class, which silhouettes and distances within classes are made of."""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce, gather_rows
from csl.pairwise.checks import refuse
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.streaming import Streaming


@full_precision()
def class_distance_sums(
    features: Tensor, labels: Tensor, num_classes: int, *, group: Group = None, **streaming: Unpack[Streaming]
) -> tuple[Tensor, Tensor]:
    """`S_ic = Σ_{j in c} ‖x_i − x_j‖`, in units of the mean distance over all pairs, and the class of each row i.

    One pass over the pairs. Beside the tiles it takes 8 bytes a sample and class on every process. Rows come in the
    order of their labels within each process's shard, so that a tile's columns hold few classes.

    Args:
        features: This process's rows `[n, D]`.
        labels: Their classes `[n]`, integers from 0 to `num_classes` − 1.
        num_classes: C.
        group: The processes that hold the other rows.
        **streaming: Memory, precision, progress; see `csl.pairwise.Streaming`.

    Returns:
        Sums `[N, C]`, float64, and classes `[N]`, int64, of all rows of the group, on every process.

    Raises:
        ValueError: If the features are no finite floating-point matrix, or labels do not match.
        UndefinedSimilarityError: For fewer than two samples or collapsed features.

    Example:
        >>> x = torch.tensor([[0.0], [1.0], [3.0]])  # the mean distance is 2
        >>> class_distance_sums(x, torch.tensor([0, 0, 1]), 2)[0]
        tensor([[0.5000, 1.5000],
                [0.5000, 1.0000],
                [2.5000, 0.0000]], dtype=torch.float64)
    """
    fits = labels.shape == features.shape[:1]
    refuse(None if fits else f"labels must be [{len(features)}], got shape {tuple(labels.shape)}", group)
    labels = labels.to(features.device)
    order = labels.argsort(stable=True)
    pairs = Pairs(features, group=group, order=order, **streaming)
    classes = gather_rows(labels[order], group)
    sums = torch.zeros(pairs.num_rows, num_classes, dtype=torch.float64, device=pairs.device)
    for rows, columns, block, mirrored in pairs.tiles():
        finite = block if mirrored else block.masked_fill(block.isinf(), 0)
        _add(sums[rows], finite, classes[columns])
        if mirrored:
            _add(sums[columns], finite.T, classes[rows])
    sums = all_reduce(sums, group)
    return sums / pairs.checked_scale(_mean(sums)), classes


def _mean(sums: Tensor) -> float:
    """The mean over all pairs of samples; 0 where there is none."""
    return float(sums.sum()) / max(1, len(sums) * (len(sums) - 1))


def _add(sums: Tensor, distances: Tensor, classes: Tensor) -> None:
    """Add each row's distances to the sums of their columns' classes; classes ascend within a tile."""
    first, last = int(classes[0]), int(classes[-1]) + 1
    membership = distances.new_zeros(len(classes), last - first)
    membership.scatter_(1, (classes - first)[:, None], 1.0)
    sums[:, first:last] += (distances @ membership).double()
