"""Fixed embeddings of the places of a square grid."""

import torch
from torch import Tensor


def grid_positions(side: int, dim: int) -> Tensor:
    """Sines and cosines of the row and the column of each place of a grid, row by row: `[side², dim]`.

    A quarter of the numbers each for the sines and cosines of row and column, of wavelengths from 2π to 20,000π.

    As in Masked Autoencoders Are Scalable Vision Learners, 2021, arXiv 2111.06377, from Attention Is All You Need,
    2017, arXiv 1706.03762.

    Args:
        side: Places in a row, and in a column.
        dim: Length of an embedding, a multiple of 4.

    Raises:
        ValueError: If 4 does not divide `dim`.

    Example:
        >>> grid_positions(2, 4)[1].tolist()  # row 0, column 1: sines, then cosines
        [0.0, 1.0, 0.8414..., 0.5403...]
    """
    if dim % 4:
        raise ValueError(f"dim: expected a multiple of 4, got {dim}")
    rates = 10000.0 ** -(torch.arange(dim // 4) / (dim // 4))
    angles = torch.cartesian_prod(torch.arange(side), torch.arange(side))[:, :, None] * rates
    return torch.cat([angles.sin(), angles.cos()], dim=2).flatten(1)
