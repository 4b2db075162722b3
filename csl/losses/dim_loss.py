"""Deep InfoMax: an image's vector tells the places of its own map from those of other images."""

from typing import Literal

from torch import Tensor, nn
from torch.nn.functional import softplus

from csl.distributed import Group, world
from csl.losses.location_scores import found_among_others, location_scores

Estimator = Literal["nce", "jsd"]


def dim_loss(vectors: Tensor, places: Tensor, estimator: Estimator = "nce", group: Group = None) -> Tensor:
    """An estimate of how much information images' vectors share with the places of their maps, negated.

        u_ijm = z_i · l_jm / √D

        nce: mean_im −log( exp(u_iim) / (exp(u_iim) + Σ_{j ≠ i, m'} exp(u_ijm')) )
        jsd: mean_im log(1 + exp(−u_iim)) + mean_{i, j ≠ i, m} log(1 + exp(u_ijm))

    over the N images of all processes and the M places of each: InfoNCE, which grows tighter with N, or a bound on the
    Jensen-Shannon divergence, which needs few images.

    From Learning deep representations by mutual information estimation and maximization, 2018, arXiv 1808.06670, where
    scores are not divided by √D.

    Args:
        vectors: z, one for each of this process's images `[B, D]`.
        places: l, a vector for each place in a map of the same images `[B, M, D]`.
        estimator: `nce` or `jsd`.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> vectors, places = torch.zeros(2, 4), torch.zeros(2, 9, 4)
        >>> float(dim_loss(vectors, places).exp())  # one place among ten
        10.0...
        >>> float(dim_loss(vectors, places, "jsd"))  # 2 log 2
        1.3862...
    """
    scores = location_scores(vectors, places, group)
    if estimator == "nce":
        return found_among_others(scores)
    others = softplus(scores.others)
    return softplus(-scores.own).mean() + others.sum() / max(1, others.numel())


class DIMLoss(nn.Module):
    """The loss of Deep InfoMax as a module, over the images of all processes; see `dim_loss`.

    Args:
        estimator: `nce` or `jsd`.

    Raises:
        ValueError: If the estimator is another one.

    Example:
        >>> DIMLoss("jsd").estimator
        'jsd'
    """

    def __init__(self, estimator: Estimator = "nce") -> None:
        super().__init__()
        if estimator not in ("nce", "jsd"):
            raise ValueError(f"estimator: expected 'nce' or 'jsd', got {estimator!r}")
        self.estimator: Estimator = estimator

    def forward(self, vectors: Tensor, places: Tensor) -> Tensor:
        """The loss of this process's vectors `[B, D]` and places `[B, M, D]`."""
        return dim_loss(vectors, places, self.estimator, world())
