"""The colour space CIE L*a*b*, in which lightness and colour are apart."""

import torch
from torch import Tensor

# Rows: X, Y and Z of linear sRGB, divided by those of white (D65).
_TO_XYZ = (
    (0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883),
)
_KNEE = 6 / 29


def rgb_to_lab(images: Tensor) -> Tensor:
    """Images `[B, 3, H, W]` of sRGB in [0, 1] in L*a*b*: L from 0 to 100, a and b about from −110 to 110.

    For white by daylight (D65). Colorimetry, CIE 15.

    Example:
        >>> red = rgb_to_lab(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)).flatten()
        >>> [round(float(value), 1) for value in red]
        [53.2, 80.1, 67.2]
    """
    linear = torch.where(images > 0.04045, ((images + 0.055) / 1.055).clamp(min=0) ** 2.4, images / 12.92)
    xyz = torch.einsum("ij,bjhw->bihw", torch.tensor(_TO_XYZ, dtype=images.dtype, device=images.device), linear)
    root = torch.where(xyz > _KNEE**3, xyz.clamp(min=_KNEE**3) ** (1 / 3), xyz / (3 * _KNEE**2) + 4 / 29)
    x, y, z = root.unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)
