"""Tokens and where they stand: grids, positions for those of another size, and patches left out."""

import torch
from torch import Tensor, nn


def resized_positions(positions: Tensor, height: int, width: int) -> Tensor:
    """Embeddings `[1, 1 + S², D]` of a class token and a square grid, for a grid of another height and width.

    The class token's stays; the others are interpolated bicubically, as in DINO, 2021, arXiv 2104.14294. At the grid's
    own size nothing changes. The gradient is the same in every run, which torch's own is not on a GPU.

    Args:
        positions: The class token's, then the grid's, row by row.
        height: Rows of the other grid.
        width: Its columns.

    Returns:
        `[1, 1 + height * width, D]`.

    Example:
        >>> resized_positions(torch.zeros(1, 1 + 8 * 8, 16), 2, 3).shape
        torch.Size([1, 7, 16])
    """
    side = round((positions.shape[1] - 1) ** 0.5)
    if (height, width) == (side, side):
        return positions
    # Interpolation is linear: what it makes of a grid that is 1 at one place and 0 elsewhere is a column of its matrix.
    ones = torch.eye(side * side, device=positions.device).view(1, -1, side, side)
    matrix = nn.functional.interpolate(ones, size=(height, width), mode="bicubic").flatten(2)[0].T
    with torch.autocast(positions.device.type, enabled=False):
        grid = matrix.to(positions.dtype) @ positions[0, 1:]
    return torch.cat([positions[:, :1], grid[None]], dim=1)


def on_grid(patches: Tensor, height: int, width: int) -> Tensor:
    """Tokens of patches `[B, N, D]`, row by row, as maps `[B, D, height, width]`.

    Example:
        >>> on_grid(torch.zeros(2, 6, 16), 2, 3).shape
        torch.Size([2, 16, 2, 3])
    """
    batch, _, dim = patches.shape
    return patches.transpose(1, 2).reshape(batch, dim, height, width)


def kept_patches(tokens: Tensor, keep: Tensor, prefix: int) -> Tensor:
    """Of tokens `[B, prefix + N, D]`, the first `prefix` and those of the patches to keep, in the order of `keep`.

    Args:
        tokens: Tokens that hold their positions already.
        keep: Positions of patches `[B, M]`, int64, from 0 to N - 1.
        prefix: How many tokens come before those of the patches.

    Returns:
        `[B, prefix + M, D]`.

    Example:
        >>> kept_patches(torch.tensor([[[9], [10], [11], [12]]]), torch.tensor([[2, 0]]), prefix=1).flatten()
        tensor([ 9, 12, 10])
    """
    # And not `take_along_dim`, which takes a position beyond the last patch for an earlier one.
    patches = tokens[:, prefix:].gather(1, keep[:, :, None].expand(-1, -1, tokens.shape[2]))
    return torch.cat([tokens[:, :prefix], patches], dim=1)
