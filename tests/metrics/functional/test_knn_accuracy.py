import math
from collections.abc import Callable

from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from tests.metrics.reference import COSINE, Reference, Values


def _knn(weight: Callable[[float], float]) -> Callable[[Tensor, Tensor], Values]:
    def accuracy(x: Tensor, y: Tensor) -> Values:
        """Vote by vote; the first of the classes with the most votes wins."""
        search = NearestNeighbors(metric="cosine", algorithm="brute").fit(x.double().numpy())
        hits = 0
        for own, distances, neighbors in zip(y.tolist(), *search.kneighbors(n_neighbors=7), strict=True):
            votes: dict[int, float] = {}
            for distance, neighbor in zip(distances, y[neighbors].tolist(), strict=True):
                votes[neighbor] = votes.get(neighbor, 0.0) + weight(1 - distance)
            hits += max(votes, key=lambda c: votes[c]) == own
        return hits / len(y)

    return accuracy


COMMON = Reference(_knn(lambda similarity: 1.0), COSINE, one_class=[1.0], identical="number", hard=2e-5)
REFERENCES = {
    "knn_accuracy": COMMON._replace(
        values=_knn(lambda similarity: math.exp(similarity / 0.1)), options={"k": 7, "temperature": 0.1}
    ),
    "plain_knn_accuracy": COMMON._replace(options={"k": 7, "temperature": None}),
}
