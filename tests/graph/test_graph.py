import pytest
import torch

from csl.graph import SparseGraph
from tests.graph.graphs import both_forms, random_graph


def test_pairs_become_a_symmetric_matrix_whose_first_mention_counts() -> None:
    first, second = torch.tensor([2, 0, 1, 3]), torch.tensor([0, 2, 2, 0])
    graph = SparseGraph.from_pairs(first, second, torch.tensor([5.0, 7.0, 1.5, 0.0]), num_nodes=4)
    expected = torch.zeros(4, 4, dtype=torch.float64)
    expected[0, 2] = expected[2, 0] = 5
    expected[1, 2] = expected[2, 1] = 1.5
    assert torch.equal(graph.dense(), expected)
    assert graph.num_edges == 4
    assert graph.row_starts.tolist() == [0, 1, 2, 4, 4]
    assert graph.columns.tolist() == [2, 2, 0, 1]


def test_a_graph_may_have_no_edge() -> None:
    nobody = torch.empty(0, dtype=torch.int64)
    graph = SparseGraph.from_pairs(nobody, nobody, torch.empty(0), num_nodes=3)
    assert graph.degrees().tolist() == [0, 0, 0]
    assert graph.normalized().num_edges == 0


def test_degrees_and_normalisation_are_the_formula_in_both_forms() -> None:
    graph = random_graph()
    weights = graph.dense()
    clamped = weights.sum(1).clamp(min=1)
    expected = weights / (clamped[:, None] * clamped[None, :]).sqrt()
    assert (weights.sum(1) < 1).any()
    for form in both_forms(graph):
        torch.testing.assert_close(form.degrees(), weights.sum(1), rtol=1e-14, atol=0)
        normalized = form.normalized().dense()
        torch.testing.assert_close(normalized, expected, rtol=1e-14, atol=0)
        assert torch.equal(normalized, normalized.T)


@pytest.mark.parametrize(
    ("first", "second", "weights", "message"),
    [
        ([0], [1, 2], [1.0], "one length, got shapes"),
        ([0], [3], [1.0], r"nodes in 0\.\.2, got 0\.\.3"),
        ([-1], [1], [1.0], r"got -1\.\.1"),
        ([1], [1], [1.0], "no edge from a node to itself"),
    ],
)
def test_bad_pairs_are_refused(first: list[int], second: list[int], weights: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SparseGraph.from_pairs(torch.tensor(first), torch.tensor(second), torch.tensor(weights), num_nodes=3)
