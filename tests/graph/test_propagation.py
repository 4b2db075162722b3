import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from csl.graph import DenseGraph, Graph, SparseGraph, backends, dgl_backend, propagation
from csl.graph.dgl_backend import DGLPropagation
from csl.graph.torch_backend import TorchPropagation
from tests.graph.graphs import both_forms, random_graph

needs_dgl = pytest.mark.skipif(dgl_backend.why_unavailable("cpu") is not None, reason="dgl does not load here")
BACKENDS = ["torch", pytest.param("dgl", marks=needs_dgl)]
GRAPHS = [pytest.param(graph, id=type(graph).__name__) for graph in both_forms(random_graph())]


def values(graph: Graph, dtype: torch.dtype = torch.float64) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(graph.num_nodes, 7, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-13), (torch.float32, 1e-5)])
def test_outputs_and_gradients_are_the_dense_product(
    backend: backends.Backend, graph: Graph, dtype: torch.dtype, tolerance: float
) -> None:
    x, reference = values(graph, dtype), values(graph)
    graph = graph.normalized()
    out = propagation(graph, backend)(x)
    expected = graph.dense() @ reference
    torch.autograd.backward(out.square().sum())
    torch.autograd.backward(expected.square().sum())
    assert x.grad is not None
    assert reference.grad is not None
    assert out.dtype == dtype
    torch.testing.assert_close(out.double(), expected, rtol=tolerance, atol=tolerance)
    torch.testing.assert_close(x.grad.double(), reference.grad, rtol=tolerance, atol=tolerance)
    assert (out[graph.num_nodes * 3 // 4 :] == 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_agree_with_finite_differences_twice(backend: backends.Backend) -> None:
    graph = random_graph(num_nodes=8, num_pairs=10)
    propagate = propagation(graph, backend)
    x = values(graph)[:, :2].detach().requires_grad_()
    assert torch.autograd.gradcheck(propagate, (x,))
    assert torch.autograd.gradgradcheck(lambda x: propagate(x).square(), (x,))


@pytest.mark.parametrize("backend", BACKENDS)
def test_graphs_made_in_inference_mode_propagate_gradients(backend: backends.Backend) -> None:
    with torch.inference_mode():
        graph = random_graph().normalized()
    x = values(graph)
    torch.autograd.backward(propagation(graph, backend)(x).sum())
    assert x.grad is not None


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    backends._log_once.cache_clear()
    caplog.set_level(logging.INFO, logger="csl.graph.backends")
    return caplog


@needs_dgl
def test_auto_is_dgl_and_is_logged_once(messages: pytest.LogCaptureFixture) -> None:
    graph = random_graph()
    assert isinstance(propagation(graph), DGLPropagation)
    assert isinstance(propagation(graph), DGLPropagation)
    assert messages.messages == ["Graph propagation uses dgl: it loads and serves this device"]


def test_auto_is_torch_for_dense_graphs(messages: pytest.LogCaptureFixture) -> None:
    assert isinstance(propagation(DenseGraph.whole(random_graph().dense())), TorchPropagation)
    assert messages.messages == ["Graph propagation uses torch: the graph is dense, one matrix product"]


@needs_dgl
def test_auto_is_torch_above_the_limit(messages: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = random_graph()
    monkeypatch.setattr(backends, "DGL_EDGE_LIMIT", graph.num_edges)
    assert isinstance(propagation(graph), DGLPropagation)
    monkeypatch.setattr(backends, "DGL_EDGE_LIMIT", graph.num_edges - 1)
    assert isinstance(propagation(graph), TorchPropagation)
    assert "edges, where it is faster" in messages.messages[-1]
    assert isinstance(propagation(graph, "dgl"), DGLPropagation)


@pytest.mark.parametrize(("backend", "level"), [("auto", logging.INFO), ("dgl", logging.WARNING)])
def test_without_dgl_torch_serves_and_the_log_has_a_hint(
    messages: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, backend: backends.Backend, level: int
) -> None:
    monkeypatch.setitem(sys.modules, "dgl", None)
    dgl_backend.why_unavailable.cache_clear()
    try:
        assert isinstance(propagation(random_graph(), backend), TorchPropagation)
    finally:
        dgl_backend.why_unavailable.cache_clear()
    (record,) = messages.records
    assert record.levelno == level
    assert "dgl does not load" in record.message
    assert "pip install" in record.message


def test_a_dgl_that_breaks_while_loading_is_a_hint_too(tmp_path: Path) -> None:
    (tmp_path / "dgl.py").write_text("raise OSError('libtorch.so: undefined symbol')\n")
    code = "from csl.graph.dgl_backend import why_unavailable; print(why_unavailable('cpu'))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.getcwd()])}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "OSError: libtorch.so: undefined symbol" in answer.stdout
    assert "pip install" in answer.stdout


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(ValueError, match="backend: expected one of auto, dgl, torch, got 'jax'"):
        propagation(random_graph(), "jax")  # type: ignore[arg-type]


@needs_dgl
def test_dgl_loads_quietly_late_and_leaves_the_home_alone(tmp_path: Path) -> None:
    code = """
import sys
import csl.probes
from tests.graph.graphs import random_graph
assert "dgl" not in sys.modules, "importing the package must not load dgl"
import torch
state = torch.get_rng_state()
csl.graph.propagation(random_graph(), "dgl")(torch.ones(40, 1))
assert "dgl" in sys.modules
assert torch.equal(state, torch.get_rng_state())
"""
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": os.getcwd()}
    environment.pop("DGLBACKEND", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == done.stderr == ""
    assert not (tmp_path / ".dgl").exists()


def test_weights_may_all_be_missing() -> None:
    nobody = torch.empty(0, dtype=torch.int64)
    graph = SparseGraph.from_pairs(nobody, nobody, torch.empty(0), num_nodes=3)
    for backend in ("auto", "torch"):
        assert (propagation(graph, backend)(torch.ones(3, 2)) == 0).all()
