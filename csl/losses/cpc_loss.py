"""CPC: find the patch that was predicted among all patches of the batch."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, rank, world

LARGEST_PIECE = 2**25  # logits that are kept at a time: 128 MiB of float32


def cpc_loss(predictions: Tensor, targets: Tensor, places: Tensor, scale: float = 0.1, group: Group = None) -> Tensor:
    """The mean cross-entropy of finding what each prediction is of among the patches of all images.

        loss = mean_ip −log( exp(s p_ip · t_i,q(p)) / Σ_jq exp(s p_ip · t_jq) )

    where q(p) is the place of the patch that prediction p of image i is of. Negatives are all other patches of all
    processes' images, those of image i, too. Where predictions and patches are many, logits are made in pieces, anew
    for the gradient.

    From Data-Efficient Image Recognition with Contrastive Predictive Coding, 2019, arXiv 1905.09272.

    Args:
        predictions: `[B, P, D]`, of this process's images.
        targets: t, a vector for each patch of the same images `[B, Q, D]`.
        places: q, of the patch that each prediction is of, int64 `[P]` from 0 to Q − 1.
        scale: s.
        group: The processes, with as many images each.

    Example:
        >>> targets = torch.eye(4).view(2, 2, 4)
        >>> float(cpc_loss(targets[:, :1], targets, torch.tensor([0]), scale=1.0))  # −log(e / (e + 3))
        0.7436...
    """
    everyones = gather_equal_rows(targets, group).flatten(0, 1)
    images = torch.arange(len(predictions), device=predictions.device) + rank(group) * len(predictions)
    labels = images[:, None] * targets.shape[1] + places
    count = max(1, LARGEST_PIECE // (predictions.shape[1] * len(everyones)))
    if count >= len(predictions):
        return _entropy(scale * predictions, everyones, labels) / labels.numel()
    pieces = [slice(start, start + count) for start in range(0, len(predictions), count)]
    again = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
    sums = [again(_entropy, scale * predictions[piece], everyones, labels[piece]) for piece in pieces]
    return torch.stack(sums).sum() / labels.numel()


def _entropy(predictions: Tensor, targets: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(predictions.flatten(0, 1) @ targets.T, labels.flatten(), reduction="sum")


class CPCLoss(nn.Module):
    """The loss of CPC as a module, over the images of all processes; see `cpc_loss`.

    Args:
        scale: s.

    Raises:
        ValueError: If the scale is not positive.

    Example:
        >>> CPCLoss(scale=0.5).scale
        0.5
    """

    def __init__(self, scale: float = 0.1) -> None:
        super().__init__()
        check_range("scale", scale, above=0.0)
        self.scale = scale

    def forward(self, predictions: Tensor, targets: Tensor, places: Tensor) -> Tensor:
        """The loss of predictions `[B, P, D]` of the patches at `places` `[P]` among targets `[B, Q, D]`."""
        return cpc_loss(predictions, targets, places, self.scale, world())
