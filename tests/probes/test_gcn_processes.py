"""The GCN probe on several processes, each of which owns some nodes."""

from typing import Any

import pytest
import torch

from csl.distributed import Shard, rank, shard, world
from csl.graph import GCN, SparseGraph, dgl_backend, propagation
from csl.probes import GCNProbe, Nodes
from csl.probes.gcn_training import sum_gradients
from csl.probes.task import make_task
from csl.types import Features
from tests.graph.graphs import random_graph
from tests.probes.samples import clumps, digits, rows

dgl_works = dgl_backend.why_unavailable("cpu") is None


def few_digits() -> tuple[Features, Features]:
    train, val = digits()
    return rows(train, slice(400)), rows(val, slice(101))


def sharded_fit(memory_budget: int | None, neighbors: int | None) -> Any:
    group = world()
    train, val = (rows(part, shard(len(part.labels), group)) for part in few_digits())
    probe = GCNProbe(neighbors=neighbors, memory_budget=memory_budget, backend="torch", patience=15)
    result = probe.fit(train, val, group=group)
    return result, result.parameters, result.predictions


@pytest.mark.parametrize(("memory_budget", "neighbors"), [(None, 10), (None, None), (0, None)])
def test_two_processes_train_the_parameters_of_one(
    two_processes: Any, memory_budget: int | None, neighbors: int | None
) -> None:
    (first, left, top), (second, right, bottom) = two_processes(sharded_fit, memory_budget, neighbors)
    alone = GCNProbe(neighbors=neighbors, backend="torch", patience=15).fit(*few_digits())
    assert alone.val_accuracy > 0.9
    assert first == second == alone
    assert alone.predictions is not None
    assert torch.equal(torch.cat([top, bottom]), alone.predictions)
    for name, value in alone.parameters.items():
        assert torch.equal(left[name], right[name])
        # A graph in tiles is computed on shards, whose float32 distances round unlike one process's.
        torch.testing.assert_close(left[name], value, rtol=0, atol=1e-6 if memory_budget is None else 0.1)


def network_gradients(on_several: bool) -> Any:
    """Of one pass over a random graph, with the nodes on all processes or on each."""
    group = world() if on_several else None
    graph = random_graph().normalized()
    assert isinstance(graph, SparseGraph)
    shard_ = Shard.even(40, group)
    own = shard_.own
    network = GCN(3, torch.Generator().manual_seed(0), depth=3, group=group)
    labels = (torch.arange(40) % 4)[own]
    logits = network(propagation(graph.cut(shard_), "dgl" if dgl_works else "torch"), labels)
    torch.autograd.backward(logits.logsumexp(dim=1).sum())
    number = sum_gradients(network.parameters(), torch.tensor(len(labels)), group)
    assert int(number) == 40
    return logits.detach(), [parameter.grad for parameter in network.parameters()]


def test_gradients_of_sharded_nodes_add_up_to_those_of_all(two_processes: Any) -> None:
    (top, first), (bottom, second) = two_processes(network_gradients, True)
    logits, gradients = network_gradients(False)
    torch.testing.assert_close(torch.cat([top, bottom]), logits, rtol=1e-12, atol=1e-12)
    for one, other, expected in zip(first, second, gradients, strict=True):
        assert torch.equal(one, other)
        torch.testing.assert_close(one, expected, rtol=1e-10, atol=1e-10)


def test_nodes_are_numbered_as_on_one_process_and_come_back(two_processes: Any) -> None:
    for values, answers in two_processes(renumbered):
        assert torch.equal(values, torch.cat([part.values for part in clumps()]))
        assert answers


def renumbered() -> Any:
    group = world()
    train, val = clumps()
    train, val = (
        (rows(train, slice(17)), rows(val, slice(50)))
        if rank(group) == 0
        else (rows(train, slice(17, None)), rows(val, slice(50, None)))
    )
    task = make_task(train, val, group)
    nodes = Nodes.of(task)
    return nodes.shard.gather(nodes.values), torch.equal(nodes.back(nodes.values[:, 0], task), val.values[:, 0])
