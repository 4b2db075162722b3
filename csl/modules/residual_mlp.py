"""A head of two layers beside a linear one."""

from torch import Tensor, nn

from csl.checks import check_positive


class ResidualMLP(nn.Module):
    """A linear layer plus an MLP of one hidden layer, and layer norm: nothing passes from one row to another.

        y = norm(A x + W_2 relu(W_1 x + b))

    Without the norm, longer vectors alone would make a contrast sharper.

    From Learning deep representations by mutual information estimation and maximization, 2018, arXiv 1808.06670, where
    it makes vectors of an image and of its parts comparable; the authors' code has batch norm before the relu, too.

    Args:
        in_dim: Length of x.
        hidden_dim: Hidden units.
        output_dim: Length of y.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> import torch
        >>> ResidualMLP(4, 8, 2)(torch.zeros(3, 5, 4)).shape
        torch.Size([3, 5, 2])
    """

    def __init__(self, in_dim: int, hidden_dim: int, output_dim: int) -> None:
        super().__init__()
        check_positive(in_dim=in_dim, hidden_dim=hidden_dim, output_dim=output_dim)
        self.linear = nn.Linear(in_dim, output_dim, bias=False)
        self.mlp = nn.Sequential(
            nn.Linear(in_dim, hidden_dim), nn.ReLU(inplace=True), nn.Linear(hidden_dim, output_dim, bias=False)
        )
        self.norm = nn.LayerNorm(output_dim)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs `[..., output_dim]` for inputs `[..., in_dim]`."""
        outputs: Tensor = self.norm(self.linear(inputs) + self.mlp(inputs))
        return outputs
