"""Instance discrimination: find each image's own entry in a memory of all images."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize, softplus

from csl.checks import check_temperature
from csl.distributed import Group, all_reduce, size


def npid_loss(features: Tensor, bank: Tensor, index: Tensor, temperature: float = 0.07) -> Tensor:
    """The mean cross-entropy of finding each image's own entry among those of all images.

        loss = mean_i −log( exp(v_i · f_i / T) / Σ_j exp(v_i · f_j / T) )

    where v_i is an image's unit vector and f_j the entry of image j, without a gradient.

    From Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv 1805.01978.

    Args:
        features: Of this process's images `[B, D]`, of any length.
        bank: f, unit vectors `[N, D]`, the same on every process.
        index: Which entry belongs to each image `[B]`, int64.
        temperature: T.

    Example:
        >>> one = torch.eye(2)
        >>> float(npid_loss(one, one, torch.arange(2), temperature=1.0))  # -log(e / (e + 1))
        0.3132616...
    """
    return cross_entropy(normalize(features, dim=1) @ bank.to(features.dtype).T / temperature, index)


def npid_sampled_loss(
    features: Tensor, bank: Tensor, index: Tensor, drawn: Tensor, normalizer: Tensor, temperature: float = 0.07
) -> Tensor:
    """The same by noise-contrastive estimation: tell each image's own entry from entries that are drawn at random.

        loss = mean_i [ −log h(v_i · f_i) − Σ_{j drawn} log(1 − h(v_i · f_j)) ]
        h(s) = P / (P + M / N),      P = exp(s / T) / Z

    From Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv 1805.01978.

    Args:
        features: Of this process's images `[B, D]`, of any length.
        bank: f, unit vectors `[N, D]`, the same on every process.
        index: Which entry belongs to each image `[B]`, int64.
        drawn: The drawn entries `[M]`, int64, the same for all images; an entry may be drawn twice.
        normalizer: Z, a positive scalar; see `npid_normalizer`.
        temperature: T.

    Example:
        >>> one = torch.eye(2)
        >>> float(npid_sampled_loss(one[:1], one, torch.tensor([0]), torch.tensor([1, 1]), torch.tensor(1.0), 1.0))
        1.699556...
    """
    features, bank = normalize(features, dim=1), bank.to(features.dtype)
    noise = normalizer.log() + math.log(len(drawn) / len(bank))
    own = (features * bank[index]).sum(dim=1) / temperature - noise
    others = features @ bank[drawn].T / temperature - noise
    return (softplus(-own) + softplus(others).sum(dim=1)).mean()


def npid_normalizer(features: Tensor, bank: Tensor, drawn: Tensor, temperature: float, group: Group = None) -> Tensor:
    """An estimate of what the exact softmax divides by, from the images of all processes and entries at random.

        Z = N mean_{i, j drawn} exp(v_i · f_j / T)

    Args:
        features: Of this process's images `[B, D]`, of any length.
        bank: f, unit vectors `[N, D]`.
        drawn: The drawn entries `[M]`, int64.
        temperature: T.
        group: The processes, with as many images each.

    Example:
        >>> float(npid_normalizer(torch.eye(2), torch.eye(2), torch.arange(2), temperature=1.0))  # e + 1
        3.7182817...
    """
    with torch.no_grad():
        logits = normalize(features, dim=1) @ bank[drawn].to(features.dtype).T / temperature
        return len(bank) * all_reduce(logits.exp().mean(), group) / size(group)


def npid_proximity(features: Tensor, bank: Tensor, index: Tensor) -> Tensor:
    """The mean squared distance of images' unit vectors from their own entries in the bank: how far they have moved.

        mean_i ‖v_i − f_i‖²

    The proximal term of Unsupervised Feature Learning via Non-Parametric Instance Discrimination, 2018, arXiv
    1805.01978, without its weight λ.

    Args:
        features: Of this process's images `[B, D]`, of any length.
        bank: f, unit vectors `[N, D]`, the same on every process.
        index: Which entry belongs to each image `[B]`, int64.

    Example:
        >>> float(npid_proximity(torch.eye(2), torch.eye(2), torch.tensor([0, 0])))  # 0 and 2
        1.0
    """
    return (normalize(features, dim=1) - bank[index].to(features.dtype)).square().sum(dim=1).mean()


class NPIDLoss(nn.Module):
    """NPID's exact loss as a module; see `npid_loss`.

    Args:
        temperature: T.

    Raises:
        ValueError: If the temperature is not positive.

    Example:
        >>> NPIDLoss(temperature=0.1).temperature
        0.1
    """

    def __init__(self, temperature: float = 0.07) -> None:
        super().__init__()
        check_temperature(temperature=temperature)
        self.temperature = temperature

    def forward(self, features: Tensor, bank: Tensor, index: Tensor) -> Tensor:
        """The loss of features `[B, D]` whose entries in the bank `[N, D]` have these numbers `[B]`."""
        return npid_loss(features, bank, index, self.temperature)
