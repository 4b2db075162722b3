"""Exemplars: tell which image a view was made of."""

from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def exemplar_loss(logits: Tensor, classes: Tensor, share: float = 1.0) -> Tensor:
    """The mean cross-entropy of the images that are classes of their own, where a share of all images are.

        loss = 1 / (p B) Σ_{i: c_i ≥ 0} −log softmax(s_i)_{c_i}

    Dividing by how many are expected, and not by how many a batch has, makes the loss of a batch the mean of its
    images': several processes, or accumulated batches, need not know of each other.

    From Discriminative Unsupervised Feature Learning with Convolutional Neural Networks, 2014, arXiv 1406.6909.

    Args:
        logits: s `[B, C]`.
        classes: c, the images' classes `[B]`, int64; −1 for an image that is none.
        share: p, the share of all images that are classes.

    Example:
        >>> import torch
        >>> float(exemplar_loss(torch.zeros(2, 4), torch.tensor([3, -1]), share=0.5))  # log 4
        1.3862943649291992
    """
    return cross_entropy(logits, classes, ignore_index=-1, reduction="sum") / (len(logits) * share)


class ExemplarLoss(nn.Module):
    """The loss of exemplars as a module; see `exemplar_loss`.

    Example:
        >>> import torch
        >>> float(ExemplarLoss()(torch.zeros(2, 4), torch.tensor([3, 0])))  # log 4
        1.3862943649291992
    """

    def forward(self, logits: Tensor, classes: Tensor, share: float = 1.0) -> Tensor:
        """The loss of logits `[B, C]` of images with these classes `[B]`, of a share of all images."""
        return exemplar_loss(logits, classes, share)
