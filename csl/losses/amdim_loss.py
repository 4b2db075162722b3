"""AMDIM: a vector of one view finds the places of the other view of its image, with scores that are kept small."""

from torch import Tensor, nn

from csl.checks import check_range, check_temperature
from csl.distributed import Group, world
from csl.losses.location_scores import LocationScores, found_among_others, location_scores


def amdim_loss(
    vectors: Tensor, places: Tensor, clip: float = 20.0, penalty: float = 0.05, group: Group = None
) -> Tensor:
    """The mean cross-entropy of finding an image's places in another view, plus a penalty for large scores.

        loss = mean_im −log( exp(s_iim) / (exp(s_iim) + Σ_{j ≠ i, m'} exp(s_ijm')) ) + λ mean_ijm u_ijm²

        u_ijm = z_i · l_jm / √D,      s = c tanh(u / c)

    over the N images of all processes and the M places of each. Scores have no other bound, and would grow.

    From Learning Representations by Maximizing Mutual Information Across Views, 2019, arXiv 1906.00910.

    Args:
        vectors: z, one for each of this process's images `[B, D]`, of one view.
        places: l, a vector for each place in a map of the other view `[B, M, D]`.
        clip: c, which no score exceeds.
        penalty: λ.
        group: The processes, with as many images each.

    Example:
        >>> import torch
        >>> vectors, places = torch.zeros(2, 4), torch.zeros(2, 9, 4)
        >>> float(amdim_loss(vectors, places).exp())  # one place among ten
        10.0...
    """
    raw = location_scores(vectors, places, group)
    clipped = LocationScores(*(clip * (part / clip).tanh() for part in raw))
    squares = sum((part.square().sum() for part in raw), start=vectors.new_zeros(()))
    return found_among_others(clipped) + penalty * squares / sum(part.numel() for part in raw)


class AMDIMLoss(nn.Module):
    """The loss of AMDIM for one pair of scales as a module, over the images of all processes; see `amdim_loss`.

    Args:
        clip: c, which no score exceeds.
        penalty: λ of squared scores.

    Raises:
        ValueError: If the bound is not positive, or the penalty is negative.

    Example:
        >>> AMDIMLoss(clip=10.0).penalty
        0.05
    """

    def __init__(self, clip: float = 20.0, penalty: float = 0.05) -> None:
        super().__init__()
        check_temperature(clip=clip)
        check_range("penalty", penalty)
        self.clip, self.penalty = clip, penalty

    def forward(self, vectors: Tensor, places: Tensor) -> Tensor:
        """The loss of this process's vectors `[B, D]` and places `[B, M, D]`."""
        return amdim_loss(vectors, places, self.clip, self.penalty, world())
