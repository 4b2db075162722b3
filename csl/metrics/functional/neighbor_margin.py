"""Neighbour margin: is a sample's nearest neighbour of its class, and by how much?"""

from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.samples import Samples
from csl.metrics.undefined import warn_undefined
from csl.pairwise import Streaming


def neighbor_margin(features: Tensor, labels: Tensor, *, group: Group = None, **streaming: Unpack[Streaming]) -> Tensor:
    """Each sample's cosine to the nearest other sample of its class, less that to the nearest one of another class.

    `m_i = max_{j ≠ i, y_j = y_i} cos(x_i, x_j) − max_{y_j ≠ y_i} cos(x_i, x_j)`. Between −2 and 2; positive where the
    nearest neighbour has the sample's class, near 0 at a border of classes. The hypothesis margin of Gilad-Bachrach,
    Navot, Tishby, "Margin Based Feature Selection" (ICML 2004), with cosines in place of distances.

    Args:
        features: This process's rows `[n, D]`, any floating dtype. A row of zeros has cosine 0 to everything.
        labels: Their classes `[n]`, any integers but −1.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 `[n]`, in the order of this process's rows; NaN, with a warning, where a sample is alone in its class,
        or there is only one class.

    Raises:
        ValueError: If features are no finite matrix, or labels do not match or hold −1.

    Example:
        >>> x = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
        >>> neighbor_margin(x, torch.tensor([0, 0, 1, 1, 1])).round(decimals=6)
        tensor([ 0.,  0.,  1.,  1., -1.], dtype=torch.float64)
    """
    return sample_margin(Samples(features, labels, group=group, **streaming))


def sample_margin(samples: Samples) -> Tensor:
    """The margin of each own sample of a set that others measure, too `[n]`."""
    own, other = samples.nearest_classes()
    # cos = 1 − d² / 2 for directions.
    margin = torch.where(own.isfinite() & other.isfinite(), (other.square() - own.square()) / 2, torch.nan)
    if alone := int(all_reduce(margin.isnan().sum(), samples.group)):
        warn_undefined("neighbour margin", f"{alone} samples are alone in their class, or there is only one class")
    return margin
