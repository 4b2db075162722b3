"""Uniformity: how evenly directions cover the sphere."""

import math
from typing import Unpack

import torch
from torch import Tensor

from csl.checks import check_temperature
from csl.distributed import Group, all_reduce
from csl.metrics.measure import Family, Measure, Options, Passes
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined
from csl.pairwise import Buffers, Streaming, Tile, full_precision

_FAINTEST = 80.0  # exp(−80) is a float32, if a small one; from exp(−88) on digits are lost, and from exp(−104) all


def uniformity(features: Tensor, t: float = 2.0, *, group: Group = None, **streaming: Unpack[Streaming]) -> Tensor:
    """Uniformity: the logarithm of the mean Gaussian potential over all pairs of L2-normalised features.

    `log mean_{i<j} exp(−t ‖x_i − x_j‖²)`, exact: every pair counts, none of them in an N×N array. Between −4 t and 0:
    *low* where directions cover the sphere evenly, 0 where all are the same (a collapsed encoder). See Wang, Isola,
    "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere" (2020,
    arXiv 2005.10242). One pass over the pairs; two for t above 20, where potentials are taken relative to the nearest
    pair's, so that no t is so large that their sum underflows.

    Args:
        features: This process's rows `[n, D]`, any floating dtype; rows of zeros stay zero.
        t: Sharpness of the potential; 2 in the paper.
        group: The processes that hold the other rows; None for one process.
        **streaming: `memory_budget`, `precision`, `progress`; see `csl.pairwise.Streaming`.

    Returns:
        float64 scalar; NaN, with a warning, for fewer than two samples.

    Raises:
        ValueError: If features are no finite matrix, or t is not positive and finite.

    Example:
        >>> uniformity(torch.tensor([[1.0, 0.0], [0.0, 3.0]])).round(decimals=3)  # one pair, 2 its squared distance
        tensor(-4., dtype=torch.float64)
    """
    return UNIFORMITY.of(Samples(features, group=group, **streaming), t=t)


def _options(t: float = 2.0) -> Options:
    check_temperature(t=t)
    return {"t": t}


@full_precision()
def _uniformity(samples: Samples, t: float) -> Tensor:
    count, group, features = samples.shard.total, samples.group, samples.features
    if count < 2:
        return undefined("uniformity", f"it needs at least two samples, got {count}", features)
    may_underflow = 4 * t > _FAINTEST  # 4 is the largest squared distance of two directions
    pairs = samples.direction_pairs(passes=2 if may_underflow else 1)
    rate = t * pairs.own.unit**2
    least = float(pairs.nearest.amin().square()) if may_underflow else 0.0

    def potential(tile: Tile, buffers: Buffers) -> Tensor:
        squares = torch.mul(tile.distances, tile.distances, out=buffers[0])
        # A sample's distance to itself is infinite, so its potential is 0.
        return (2 if tile.mirrored else 1) * squares.sub_(least).mul_(-rate).exp_().sum(dim=1).double().sum()

    total = torch.zeros((), dtype=torch.float64, device=features.device)
    for _, found in pairs.each(potential):
        total += found
    return (all_reduce(total, group) / (count * (count - 1))).log() - rate * least


UNIFORMITY = Measure(
    name="uniformity",
    function=uniformity,
    score=_uniformity,
    options=_options,
    family=Family.UNSUPERVISED,
    meaning="0 or less; low: directions cover the sphere",
    paper="Wang and Isola, 2020, arXiv 2005.10242",
    cost=Passes(1, directions=True),
    range=(-math.inf, 0),
    higher_is_better=False,
)
