"""Intrinsic dimension of the set of features."""

import math
from typing import Unpack

import torch
from torch import Tensor

from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Buffers, Streaming, Tile, full_precision, nearest


def intrinsic_dimension(features: Tensor, *, group: Group = None, **streaming: Unpack[Streaming]) -> Tensor:
    """TwoNN estimate of the dimension of the surface on which the features lie.

    `d = N / Σ_i log(r_i2 / r_i1)` with the Euclidean distances r_i1 and r_i2 of sample i to its two nearest others
    among all N. 0 or more: high where features are locally spread over many directions. Samples that have a
    duplicate are left out, for their ratio has no logarithm. Shifting, rotating or scaling the features changes
    nothing. See Facco et al., "Estimating the intrinsic dimension of datasets by a minimal neighborhood information"
    (2017, arXiv 1803.06992), here by its maximum likelihood.

    Rows are rounded to float32 once they are centred: in clumps whose spread is the share s of the features' largest
    deviation, a distance has a relative error of about 1e-7 / s.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than three samples, or if no sample without a duplicate has its
        two nearest others at different distances.

    Raises:
        ValueError: If features are no finite matrix.

    Example:
        >>> plane = torch.rand(1000, 2, generator=torch.Generator().manual_seed(0)) @ torch.randn(2, 64)
        >>> bool(1.8 < intrinsic_dimension(plane) < 2.2)
        True
    """
    return INTRINSIC_DIMENSION.of(Samples(features, group=group, **streaming))


@full_precision()
def _two_nearest(samples: Samples) -> Tensor:
    """The distances of each own sample to its two nearest others `[n, 2]`, in units that do not matter."""
    if samples.knows_nearest:
        similarities = torch.cat([similarity for _, similarity, _ in samples.nearest(2)])
        return (1 - similarities).sqrt()  # of rows of length 1 the distance is √2 times this
    if samples.group is None:
        return nearest(samples.pairs(passes=1), 2)[0]
    start = samples.shard.own.start

    def two_nearest(tile: Tile, buffers: Buffers) -> Tensor:
        return tile.distances.topk(min(2, tile.distances.shape[1]), dim=1, largest=False).values

    least = torch.full((len(samples.features), 2), torch.inf, device=samples.features.device)
    for tile, found in samples.pairs(passes=1).each_of_rows(two_nearest):
        own = slice(tile.rows.start - start, tile.rows.stop - start)
        least[own] = torch.cat([least[own], found], dim=1).topk(2, dim=1, largest=False).values
    return least


def _dimension(samples: Samples) -> Tensor:
    features, group, count = samples.features, samples.group, samples.shard.total
    if count < 3:
        return undefined("intrinsic dimension", f"it needs at least three samples, got {count}", features)
    two = _two_nearest(samples)
    different = two[two[:, 0] > 0].double()
    logs = (different[:, 1] / different[:, 0]).log()
    total, number = all_reduce(torch.stack([logs.sum(), logs.new_tensor(float(len(logs)))]), group)
    if not float(total) > 0:
        reason = "no sample without a duplicate has its two nearest others at different distances"
        return undefined("intrinsic dimension", reason, features)
    dimension: Tensor = number / total
    return dimension


INTRINSIC_DIMENSION = Measure(
    name="intrinsic_dimension",
    function=intrinsic_dimension,
    score=_dimension,
    family=Family.UNSUPERVISED,
    meaning="high: locally spread over many directions",
    paper="Facco et al., 2017, arXiv 1803.06992",
    neighbors=lambda: 2,
    cost=Passes(2),
    range=(0, math.inf),
    higher_is_better=None,
)
