"""A convolutional network over a grid that looks at its own row and those above."""

from torch import Tensor, nn

from csl.checks import check_positive


class RowContext(nn.Module):
    """Residual blocks of masked convolutions: each place of a grid is told what its own row and rows above hold.

    Each block widens what a place sees by one column on either side and by one row above. With `depth` blocks and as
    many rows, the last one has seen all.

    From Data-Efficient Image Recognition with Contrastive Predictive Coding, 2019, arXiv 1905.09272, with 5 blocks.

    Args:
        dim: Channels of the grid.
        hidden_dim: Channels inside a block.
        depth: How many blocks.

    Raises:
        ValueError: If a number is not positive.

    Example:
        >>> import torch
        >>> RowContext(8, hidden_dim=4)(torch.zeros(2, 8, 7, 7)).shape
        torch.Size([2, 8, 7, 7])
    """

    def __init__(self, dim: int, hidden_dim: int = 256, depth: int = 5) -> None:
        super().__init__()
        check_positive(dim=dim, hidden_dim=hidden_dim, depth=depth)
        self.dim = dim
        self.blocks = nn.ModuleList(_block(dim, hidden_dim) for _ in range(depth))

    def forward(self, grid: Tensor) -> Tensor:
        """Contexts `[B, dim, h, w]` for a grid `[B, dim, h, w]`."""
        for block in self.blocks:
            grid = grid + block(grid)
        return grid.relu()


def _block(dim: int, hidden_dim: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(dim, hidden_dim, 1),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden_dim, hidden_dim, (1, 3), padding=(0, 1)),
        nn.ZeroPad2d((0, 0, 1, 0)),  # a row above
        nn.Conv2d(hidden_dim, hidden_dim, (2, 1)),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden_dim, dim, 1),
    )
