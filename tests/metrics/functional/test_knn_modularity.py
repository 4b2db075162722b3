import torch
from torch import Tensor

from tests.metrics.reference import COSINE, Reference, Values, cosine_neighbors


def _modularity(x: Tensor, y: Tensor) -> Values:
    """`1/2m Σ_ij (A_ij − k_i k_j / 2m)` over pairs of one class, with the whole adjacency matrix."""
    edges = torch.zeros(len(y), len(y), dtype=torch.float64).scatter_(1, torch.from_numpy(cosine_neighbors(x, 5)), 1)
    adjacency = edges + edges.T
    degrees, total = adjacency.sum(dim=1), adjacency.sum()
    excess = adjacency - torch.outer(degrees, degrees) / total
    return float(excess[y[:, None] == y].sum() / total)


TIES = "of many neighbours that float32 features put at one distance, the reference takes any"
REFERENCES = {
    "knn_modularity": Reference(
        _modularity,
        COSINE,
        {"k": 5},
        one_class=[0.0],
        identical="number",
        hard=2e-5,
        hard_but={"clumps far from the origin": TIES},
    ),
}
