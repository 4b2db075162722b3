import pytest
import torch

from csl.modules import ResidualMLP


def test_it_is_a_linear_layer_and_a_network_beside_it() -> None:
    head = ResidualMLP(5, 7, 3).double()
    inputs = torch.randn(2, 4, 5, dtype=torch.float64)
    first, last = (part for part in head.mlp if isinstance(part, torch.nn.Linear))
    hidden = (inputs @ first.weight.T + first.bias).clamp(min=0)
    outputs = inputs @ head.linear.weight.T + hidden @ last.weight.T
    mean, variance = outputs.mean(dim=-1, keepdim=True), outputs.var(dim=-1, correction=0, keepdim=True)
    torch.testing.assert_close(head(inputs), (outputs - mean) / (variance + 1e-5).sqrt())


@pytest.mark.parametrize("name", ["in_dim", "hidden_dim", "output_dim"])
def test_sizes_must_be_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        ResidualMLP(**({"in_dim": 2, "hidden_dim": 2, "output_dim": 2} | {name: 0}))
