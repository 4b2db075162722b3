import pytest
import torch
from torch import Tensor
from torch.nn.functional import selu

from csl.graph import GCN, GraphConvolution, propagation
from tests.graph.graphs import random_graph


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weights_of(network: GCN) -> list[Tensor]:
    return [layer.weight for layer in network.convolutions if isinstance(layer, GraphConvolution)]


def test_ten_classes_take_652_parameters() -> None:
    network = GCN(10, generator())
    sizes = {name: sum(p.numel() for p in module.parameters()) for name, module in network.named_children()}
    assert network.embedding.numel() == 176
    assert sizes == {"convolutions": 273 + 171, "norms": 32}
    assert sum(parameter.numel() for parameter in network.parameters()) == 652
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}


def test_a_convolution_is_its_formula() -> None:
    graph = random_graph().normalized()
    layer = GraphConvolution(5, 3, generator())
    assert float(layer.self_loop.detach()) == 0
    with torch.no_grad():
        layer.self_loop.fill_(0.7)
        layer.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    x = torch.randn(40, 5, generator=generator(1), dtype=torch.float64)
    expected = graph.dense() @ x @ layer.weight + 0.7 * x @ layer.weight + torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(layer(propagation(graph, "torch"), x), expected)


def test_the_network_is_its_formula() -> None:
    graph = random_graph().normalized()
    weights, labels = graph.dense(), torch.arange(40) % 4
    network = GCN(3, generator(), width=6)
    first, last = weights_of(network)
    x = network.embedding[labels]
    hidden = weights @ x @ first
    normed = (hidden - hidden.mean(0)) / (hidden.var(0, correction=0) + 1e-5).sqrt()
    expected = weights @ (x + selu(normed)) @ last
    torch.testing.assert_close(network(propagation(graph, "torch"), labels), expected)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_propagating_the_labels_is_propagating_their_embedding(depth: int) -> None:
    graph, labels = random_graph().normalized(), torch.arange(40) % 4
    gradients = []
    for propagates_labels in (True, False):
        network = GCN(3, generator(), width=6, depth=depth)
        assert network.propagates_labels
        network.propagates_labels = propagates_labels
        state = network.state_dict()
        network.load_state_dict({name: value + 0.7 if "self_loop" in name else value for name, value in state.items()})
        logits = network(propagation(graph, "torch"), labels)
        torch.autograd.backward(logits.square().sum())
        gradients.append([logits.detach(), *(parameter.grad for parameter in network.parameters())])
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(
    ("num_classes", "depth", "columns"), [(10, 2, 11), (31, 2, 32), (32, 2, 16), (1000, 2, 16), (1000, 1, 1001)]
)
def test_labels_are_propagated_where_that_is_less_work(num_classes: int, depth: int, columns: int) -> None:
    widths = []

    def propagate(x: Tensor) -> Tensor:
        widths.append(x.shape[1])
        return x

    GCN(num_classes, generator(), width=16, depth=depth)(propagate, torch.arange(5))
    assert widths[0] == columns


def test_parameters_come_from_the_generator_alone() -> None:
    before = torch.get_rng_state()
    first, same, other = (GCN(4, generator(seed)).embedding for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())


def test_depth_adds_hidden_layers() -> None:
    network = GCN(4, generator(), width=8, depth=3)
    assert [tuple(weight.shape) for weight in weights_of(network)] == [(8, 8), (8, 8), (8, 4)]
    assert network(lambda x: x, torch.tensor([0, 4])).shape == (2, 4)
