"""Random changes of patches, each its own, so that neighbours do not share brightness and colours."""

import torch
from torch import Tensor

DRAWS = 4  # numbers that each patch needs


def changed_patches(patches: Tensor, noise: Tensor, jitter: float, color_drop: float) -> Tensor:
    """Patches in [0, 1] with one colour in place of three, and with another contrast and brightness.

        x ← clamp(c (x − μ) + b μ),     b, c from 1 ± jitter

    with the mean μ of the patch.

    Args:
        patches: `[B, h, w, C, S, S]`.
        noise: Whole numbers from 0 to 2³² − 1, `[B, 4 · h · w]`; see `csl.randomness.noise_of`.
        jitter: How much contrast and brightness change.
        color_drop: How often a patch of three colours is left with one of them.

    Example:
        >>> patches, noise = torch.full((1, 1, 1, 1, 2, 2), 0.5), torch.tensor([[0, 0, 0, 0]])
        >>> changed_patches(patches, noise, jitter=0.4, color_drop=0.0).flatten()
        tensor([0.3000, 0.3000, 0.3000, 0.3000])
    """
    draws = noise.view(*patches.shape[:3], DRAWS, 1, 1, 1)
    contrast, brightness, chosen = (draws[:, :, :, number].float() / 2**32 for number in range(3))
    if patches.shape[3] == 3:
        color = (draws[:, :, :, 3] % 3).expand(*patches.shape[:3], 1, *patches.shape[4:])
        patches = torch.where(chosen < color_drop, patches.gather(3, color), patches)
    mean = patches.mean(dim=(3, 4, 5), keepdim=True)
    factor, shift = (1 + jitter * (2 * draw - 1) for draw in (contrast, brightness))
    return (factor * (patches - mean) + shift * mean).clamp(0, 1).to(patches.dtype)
