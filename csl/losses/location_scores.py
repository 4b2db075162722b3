"""How well vectors of images fit the places of their own maps, and those of other images' maps."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from csl.distributed import Group, gather_equal_rows, rank


class LocationScores(NamedTuple):
    """Scores u of this process's images for places in maps, u_ijm = z_i · l_jm / √D.

    Attributes:
        own: For the M places of an image's own map `[B, M]`.
        others: For those of all other images of all processes `[B, N − 1, M]`.
    """

    own: Tensor
    others: Tensor


def location_scores(vectors: Tensor, places: Tensor, group: Group = None) -> LocationScores:
    """The scores of images for all images' places.

    Args:
        vectors: z, one for each of this process's images `[B, D]`.
        places: l, a vector for each place in a map of the same images `[B, M, D]`.
        group: The processes, with as many images each.

    Example:
        >>> scores = location_scores(torch.eye(2), torch.eye(2)[:, None])
        >>> scores.own, scores.others.shape
        (tensor([[0.7071],
                [0.7071]]), torch.Size([2, 1, 1]))
    """
    everyones = gather_equal_rows(places, group)
    total = len(everyones)
    scores = torch.einsum("bd,nmd->bnm", vectors, everyones) / math.sqrt(vectors.shape[1])
    own = torch.arange(len(vectors), device=vectors.device) + rank(group) * len(vectors)
    others = (own[:, None] + torch.arange(1, total, device=own.device)) % total
    rows = torch.arange(len(vectors), device=own.device)
    return LocationScores(scores[rows, own], scores[rows[:, None], others])


def found_among_others(scores: LocationScores) -> Tensor:
    """The mean cross-entropy of finding each of an image's own places among all places of other images.

        mean_im −log( exp(u_iim) / (exp(u_iim) + Σ_{j ≠ i, m'} exp(u_ijm')) )

    Example:
        >>> found_among_others(LocationScores(torch.zeros(1, 1), torch.zeros(1, 2, 1))).exp()  # one of three
        tensor(3.)
    """
    return softplus(scores.others.flatten(1).logsumexp(dim=1, keepdim=True) - scores.own).mean()
