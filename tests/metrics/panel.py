"""Every metric of the panel with its shell and an independent reference: one line for each new metric's tests."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import sklearn.metrics
import torch
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from csl import metrics
from csl.metrics import FeatureMetric, functional
from tests.pairwise.dense import dense_block_sums, dense_contributions, dense_distances, dense_rld
from tests.pairwise.hard_data import ordinary

Values = float | list[float]
Function = Callable[..., Tensor]


class Entry(NamedTuple):
    """A metric.

    Attributes:
        shell: Makes its class.
        function: Its function of (features, labels, group=None).
        names: What its scalars are called.
        reference: The same numbers, computed another way from (features, labels).
        invariant: Which of scale, rotation and shift leave the value as it is (and length, of every row by itself).
        labeled: Whether it looks at the labels.
    """

    shell: Callable[..., FeatureMetric]
    function: Function
    names: list[str]
    reference: Callable[[Tensor, Tensor], Values]
    invariant: tuple[str, ...]
    labeled: bool = True


def data(n: int = 100) -> tuple[Tensor, Tensor]:
    """Five classes, a little apart."""
    labels = torch.arange(n) % 5
    return ordinary(n, 8) + torch.eye(8)[labels], labels


def _rld(x: Tensor, y: Tensor) -> Values:
    return [dense_rld(x, y, t) for t in (1.0, 0.1)]


def _rld_per_class(x: Tensor, y: Tensor) -> Values:
    return [share for t in (1.0, 0.1) for share in dense_contributions(x, y, t)]


def _affinity(x: Tensor, y: Tensor) -> Values:
    sums = dense_block_sums(x, torch.unique(y, return_inverse=True)[1], len(set(y.tolist())), 0.2)
    return [float(entry) for entry in (sums / sums.sum()).flatten()]


def _std(x: Tensor, y: Tensor) -> Values:
    return float(_unit(x).std(dim=0).mean()) * math.sqrt(x.shape[1])


def _agreement(x: Tensor, y: Tensor) -> Values:
    neighbors = torch.from_numpy(_cosine_neighbors(x, 5))
    same = (y[neighbors] == y[:, None]).double()
    return [float(same[:, :k].mean()) for k in (1, 5)]


def _silhouette(x: Tensor, y: Tensor) -> Values:
    return float(sklearn.metrics.silhouette_score(x.double().numpy(), y.numpy()))


def _chs(x: Tensor, y: Tensor) -> Values:
    return float(sklearn.metrics.calinski_harabasz_score(x.double().numpy(), y.numpy()))


def _davies_bouldin(x: Tensor, y: Tensor) -> Values:
    centered = x.double() - x.double().mean(dim=0)  # scikit-learn loses digits far from the origin
    return float(sklearn.metrics.davies_bouldin_score(centered.numpy(), y.numpy()))


def _class_distances(x: Tensor, y: Tensor) -> Values:
    d = dense_distances(x)
    same, other = y[:, None] == y, ~torch.eye(len(y), dtype=torch.bool)
    return [float(d[mask & other].mean() / d[other].mean()) for mask in (same, ~same)]


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


def _modularity(x: Tensor, y: Tensor) -> Values:
    """`1/2m Σ_ij (A_ij − k_i k_j / 2m)` over pairs of one class, with the whole adjacency matrix."""
    edges = torch.zeros(len(y), len(y), dtype=torch.float64).scatter_(1, torch.from_numpy(_cosine_neighbors(x, 5)), 1)
    adjacency = edges + edges.T
    degrees, total = adjacency.sum(dim=1), adjacency.sum()
    excess = adjacency - torch.outer(degrees, degrees) / total
    return float(excess[y[:, None] == y].sum() / total)


def _kmeans(x: Tensor, y: Tensor) -> Values:
    clusters = KMeans(len(set(y.tolist())), n_init=5, random_state=0).fit_predict(x.float().numpy())
    homogeneity = sklearn.metrics.homogeneity_score(y.numpy(), clusters)
    completeness = sklearn.metrics.completeness_score(y.numpy(), clusters)
    information = sklearn.metrics.mutual_info_score(y.numpy(), clusters)
    entropies = (
        sklearn.metrics.mutual_info_score(y.numpy(), y.numpy()),
        sklearn.metrics.mutual_info_score(clusters, clusters),
    )
    return [
        float(information / np.mean(entropies)),
        _adjusted_rand(y.numpy(), clusters),
        float(2 * homogeneity * completeness / (homogeneity + completeness)),
    ]


def _adjusted_rand(a: np.ndarray, b: np.ndarray) -> float:
    """By its definition over pairs of samples."""
    upper = np.triu_indices(len(a), 1)
    same_a, same_b = (a[:, None] == a)[upper], (b[:, None] == b)[upper]
    expected = same_a.sum() * same_b.sum() / len(upper[0])
    return float(((same_a & same_b).sum() - expected) / ((same_a.sum() + same_b.sum()) / 2 - expected))


def _shannon_rank(values: np.ndarray) -> float:
    """The exponential of the entropy with the 1e-7 of the papers' formula."""
    p = values / np.abs(values).sum() + 1e-7
    return float(np.exp(-(p * np.log(p)).sum()))


def _rankme(x: Tensor, y: Tensor) -> Values:
    return _shannon_rank(np.linalg.svd(x.double().numpy(), compute_uv=False))


def _eigenvalues(x: Tensor) -> np.ndarray:
    return np.linalg.eigvalsh(np.cov(x.double().numpy(), rowvar=False))[::-1]


def _effective_rank(x: Tensor, y: Tensor) -> Values:
    return _shannon_rank(_eigenvalues(x))


def _participation(x: Tensor, y: Tensor) -> Values:
    covariance = np.cov(x.double().numpy(), rowvar=False)
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())


def _alpha(x: Tensor, y: Tensor) -> Values:
    """A weighted polynomial fit; numpy weighs residuals, so by the root of 1 / k."""
    values = _eigenvalues(x)[1:6]
    k = np.arange(2, 2 + len(values))
    return float(-np.polyfit(np.log(k), np.log(values), 1, w=np.sqrt(1 / k))[0])


def _dimension(x: Tensor, y: Tensor) -> Values:
    distances = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(x.double().numpy()).kneighbors()[0]
    return float(len(x) / np.log(distances[:, 1] / distances[:, 0]).sum())


def _uniformity(x: Tensor, y: Tensor) -> Values:
    return float(torch.pdist(_unit(x)).square().mul(-2).exp().mean().log())


def _alignment(x: Tensor, y: Tensor) -> Values:
    squares = torch.cdist(_unit(x), _unit(x)).square()
    positive = (y[:, None] == y) & ~torch.eye(len(y), dtype=torch.bool)
    return float(squares[positive].mean())


def _unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x.double(), dim=1)


def _cosine_neighbors(x: Tensor, k: int) -> np.ndarray:
    search = NearestNeighbors(metric="cosine", algorithm="brute").fit(x.double().numpy())
    return np.asarray(search.kneighbors(n_neighbors=k, return_distance=False))


def _without_labels(function: Function, **options: float) -> Function:
    return lambda x, y, **group: function(x, **options, **group)


ANY = ("scale", "rotation", "shift")
COSINE = ("scale", "rotation", "length")
PANEL: dict[str, Entry] = {
    "rld": Entry(
        lambda **kwargs: metrics.RelativeLocalDensity([1.0, 0.1], **kwargs),
        lambda x, y, **group: functional.relative_local_density(x, y, [1.0, 0.1], **group),
        ["rld_1.0", "rld_0.1"],
        _rld,
        ANY,
    ),
    "rld per class": Entry(
        lambda **kwargs: metrics.RelativeLocalDensityPerClass([1.0, 0.1], **kwargs),
        lambda x, y, **group: functional.relative_local_density_per_class(x, y, [1.0, 0.1], **group),
        ["lowest_class_rld_1.0", "lowest_class_rld_0.1"],
        _rld_per_class,
        ANY,
    ),
    "affinity": Entry(
        lambda **kwargs: metrics.ClassAffinity(0.2, **kwargs),
        lambda x, y, **group: functional.class_affinity(x, y, 0.2, **group),
        ["within_class_affinity_0.2"],
        _affinity,
        ANY,
    ),
    "chs": Entry(metrics.CalinskiHarabaszScore, functional.calinski_harabasz_score, ["calinski_harabasz"], _chs, ANY),
    "davies bouldin": Entry(
        metrics.DaviesBouldinScore, functional.davies_bouldin_score, ["davies_bouldin"], _davies_bouldin, ANY
    ),
    "silhouette": Entry(metrics.SilhouetteScore, functional.silhouette_score, ["silhouette"], _silhouette, ANY),
    "class distances": Entry(
        metrics.ClassDistances,
        functional.class_distances,
        ["within_class_distance", "between_class_distance"],
        _class_distances,
        ANY,
    ),
    "agreement": Entry(
        lambda **kwargs: metrics.NeighborAgreement([1, 5], **kwargs),
        lambda x, y, **group: functional.neighbor_agreement(x, y, [1, 5], **group),
        ["neighbor_agreement_1", "neighbor_agreement_5"],
        _agreement,
        COSINE,
    ),
    "knn": Entry(
        lambda **kwargs: metrics.KNNAccuracy(7, 0.1, **kwargs),
        lambda x, y, **group: functional.knn_accuracy(x, y, 7, 0.1, **group),
        ["knn_accuracy_7"],
        _knn(lambda similarity: math.exp(similarity / 0.1)),
        COSINE,
    ),
    "plain knn": Entry(
        lambda **kwargs: metrics.KNNAccuracy(7, None, **kwargs),
        lambda x, y, **group: functional.knn_accuracy(x, y, 7, None, **group),
        ["plain_knn_accuracy_7"],
        _knn(lambda similarity: 1.0),
        COSINE,
    ),
    "knn modularity": Entry(
        lambda **kwargs: metrics.KNNModularity(5, **kwargs),
        lambda x, y, **group: functional.knn_modularity(x, y, 5, **group),
        ["knn_modularity_5"],
        _modularity,
        COSINE,
    ),
    "kmeans": Entry(
        metrics.KMeansAgreement,
        functional.kmeans_agreement,
        ["kmeans_nmi", "kmeans_ari", "kmeans_v_measure"],
        _kmeans,
        (),
    ),
    "alignment": Entry(metrics.Alignment, functional.alignment, ["alignment"], _alignment, COSINE),
    "std": Entry(
        metrics.FeatureStd, _without_labels(functional.feature_std), ["feature_std"], _std, ("scale", "length"), False
    ),
    "uniformity": Entry(
        metrics.Uniformity, _without_labels(functional.uniformity), ["uniformity"], _uniformity, COSINE, False
    ),
    "rankme": Entry(
        metrics.RankMe, _without_labels(functional.rankme), ["rankme"], _rankme, ("scale", "rotation"), False
    ),
    "effective rank": Entry(
        metrics.EffectiveRank,
        _without_labels(functional.effective_rank),
        ["effective_rank"],
        _effective_rank,
        ANY,
        False,
    ),
    "participation": Entry(
        metrics.ParticipationRatio,
        _without_labels(functional.participation_ratio),
        ["participation_ratio"],
        _participation,
        ANY,
        False,
    ),
    "alpha": Entry(
        lambda **kwargs: metrics.AlphaReQ(2, 6, **kwargs),
        _without_labels(functional.alpha_req, first=2, last=6),
        ["alpha_req"],
        _alpha,
        ANY,
        False,
    ),
    "dimension": Entry(
        metrics.IntrinsicDimension,
        _without_labels(functional.intrinsic_dimension),
        ["intrinsic_dimension"],
        _dimension,
        ANY,
        False,
    ),
}
