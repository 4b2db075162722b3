"""CPC: find the patch that was predicted among patches of the batch."""

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from csl.checks import check_range
from csl.distributed import Group, gather_equal_rows, rank, world

LARGEST_PIECE = 2**25  # logits that are made at a time: 128 MiB of float32
CPU_PIECE = 2**22  # the same on a CPU, which is faster where its caches hold them


def cpc_loss(
    predictions: Tensor,
    targets: Tensor,
    places: Tensor,
    scale: float = 0.1,
    drawn: Tensor | None = None,
    group: Group = None,
) -> Tensor:
    """The mean cross-entropy of finding what each prediction is of among the patches of all images.

        loss = mean_ip −log( exp(s p_ip · t_i,q(p)) / Σ_jq exp(s p_ip · t_jq) )

    where q(p) is the place of the patch that prediction p of image i is of. Negatives are all other patches of all
    processes' images, those of image i, too; or those of them that were drawn: the sum is then over these and the patch
    itself, and the loss smaller, as it is for a smaller batch. Where predictions and patches are many, logits are made
    in pieces, anew for the gradient.

    From Data-Efficient Image Recognition with Contrastive Predictive Coding, 2019, arXiv 1905.09272.

    Args:
        predictions: `[B, P, D]`, of this process's images.
        targets: t, a vector for each patch of the same images `[B, Q, D]`.
        places: q, of the patch that each prediction is of, int64 `[P]` from 0 to Q − 1.
        scale: s.
        drawn: Numbers of patches `[M]`, none twice and the same on every process, from 0 to N Q − 1 for the N images of
            all processes in the order of their ranks, image by image; csl's own sampler makes that the order of one
            process's batch. All of them if not given.
        group: The processes, with as many images each.

    Example:
        >>> targets = torch.eye(4).view(2, 2, 4)
        >>> float(cpc_loss(targets[:, :1], targets, torch.tensor([0]), scale=1.0))  # −log(e / (e + 3))
        0.7436...
    """
    everyones = gather_equal_rows(targets, group).flatten(0, 1)
    images = torch.arange(len(predictions), device=predictions.device) + rank(group) * len(predictions)
    labels = images[:, None] * targets.shape[1] + places
    among = partial(_entropy, everyones=everyones, drawn=drawn)
    compared = len(everyones) if drawn is None else len(drawn)
    largest = min(LARGEST_PIECE, CPU_PIECE) if predictions.device.type == "cpu" else LARGEST_PIECE
    count = max(1, largest // (predictions.shape[1] * compared))
    if count >= len(predictions):
        return among(scale * predictions, labels) / labels.numel()
    pieces = [slice(start, start + count) for start in range(0, len(predictions), count)]
    again = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)
    sums = [again(among, scale * predictions[piece], labels[piece]) for piece in pieces]
    return torch.stack(sums).sum() / labels.numel()


def _entropy(predictions: Tensor, labels: Tensor, everyones: Tensor, drawn: Tensor | None) -> Tensor:
    """The sum of cross-entropies of predictions `[B, P, D]` of patches `[B, P]` among those of everyone `[N Q, D]`."""
    predictions, labels = predictions.flatten(0, 1), labels.flatten()
    if drawn is None:
        return cross_entropy(predictions @ everyones.T, labels, reduction="sum")
    column = torch.full((len(everyones),), len(drawn), device=drawn.device)  # of each patch; the last if not drawn
    column[drawn] = torch.arange(len(drawn), device=drawn.device)
    column = column[labels]
    own = (predictions * everyones[labels]).sum(dim=1).masked_fill(column < len(drawn), -math.inf)
    logits = torch.cat([predictions @ everyones[drawn].T, own[:, None]], dim=1)
    return cross_entropy(logits, column, reduction="sum")


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

    def forward(self, predictions: Tensor, targets: Tensor, places: Tensor, drawn: Tensor | None = None) -> Tensor:
        """The loss of predictions `[B, P, D]` of the patches at `places` `[P]` among targets `[B, Q, D]`.

        Among all of them, those of all processes, or among those that were drawn `[M]`.
        """
        return cpc_loss(predictions, targets, places, self.scale, drawn, world())
