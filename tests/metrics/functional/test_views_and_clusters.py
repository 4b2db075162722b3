"""LiDAR and CLID, which take views or clusters; k-means; and the package reptrix, whose formulas are restated here."""

import importlib

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from csl.distributed import shard, world
from csl.metrics.functional import (
    alpha_req,
    clid,
    effective_rank,
    intrinsic_dimension,
    kmeans_clusters,
    lidar,
    rankme,
)
from tests.metrics.reference import data
from tests.pairwise.hard_data import ordinary
from tests.two_processes import TwoProcesses

IMAGES, VIEWS, D = 40, 6, 12


def _views() -> tuple[Tensor, Tensor]:
    """Six views of 40 images, in a random order of rows."""
    generator = torch.Generator().manual_seed(0)
    scale = 1 / torch.arange(1, D + 1)
    images = torch.randn(IMAGES, 1, D, generator=generator) * scale
    rows = (images + 0.3 * torch.randn(IMAGES, VIEWS, D, generator=generator) * scale.flip(0)).reshape(-1, D)
    order = torch.randperm(len(rows), generator=generator)
    return rows[order], torch.arange(IMAGES).repeat_interleave(VIEWS)[order]


def _lidar_of_the_paper(rows: Tensor, image: Tensor, delta: float) -> float:
    """Σ_w^(−1/2) by its eigenvectors, and 1e-7 in the logarithm, as printed."""
    x = np.stack([rows[image == i].double().numpy() for i in range(IMAGES)])
    means = x.mean(axis=1)
    between = np.cov(means, rowvar=False, bias=True)
    within = np.mean([np.cov(views, rowvar=False, bias=True) for views in x], axis=0) + delta * np.eye(D)
    values, vectors = np.linalg.eigh(within)
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    spectrum = np.linalg.eigvalsh(root @ between @ root)
    shares = spectrum / np.abs(spectrum).sum() + 1e-7
    return float(np.exp(-(shares * np.log(shares)).sum()))


@pytest.mark.parametrize("delta", [1e-4, 0.1])
def test_lidar_equals_the_formula_of_the_paper(delta: float) -> None:
    rows, image = _views()
    ours = float(lidar(rows, image, delta))
    assert ours == pytest.approx(_lidar_of_the_paper(rows, image, delta), rel=1e-4)
    assert 1 < ours < D


def test_lidar_does_not_see_directions_in_which_views_differ() -> None:
    """Noise of the views in further directions adds to the rank of the features and not to LiDAR."""
    rows, image = _views()
    noise = torch.cat([rows, torch.randn(len(rows), D, generator=torch.Generator().manual_seed(1))], dim=1)
    assert float(effective_rank(noise)) > 2 * float(effective_rank(rows))
    assert float(lidar(noise, image)) < 1.1 * float(lidar(rows, image))


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e30])
def test_lidar_of_large_features_sees_what_tells_images_apart_where_views_agree(scale: float) -> None:
    """Beside differences of views as large as these δ is nothing, so that only directions without any count."""
    rows, image = ordinary(6, 8), torch.arange(6) % 3
    x = np.stack([rows[image == i].double().numpy() for i in range(3)])
    means = x.mean(axis=1)
    agreeing = np.linalg.svd((x - means[:, None]).reshape(6, 8))[2][3:]
    spectrum = np.linalg.eigvalsh(np.cov(agreeing @ means.T, bias=True))
    shares = spectrum[-2:] / spectrum[-2:].sum()
    expected = float(np.exp(-(shares * np.log(shares)).sum()))
    for order in (torch.arange(6), torch.arange(6).flip(0)):
        ours = float(lidar(scale * rows[order], image[order], delta=1e-10))
        assert ours == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("rows", "image", "reason"),
    [
        (torch.zeros(0, 3), torch.arange(0), "views of at least two images, got 0"),
        (torch.randn(4, 3), torch.zeros(4, dtype=torch.int64), "views of at least two images, got 1"),
        (torch.randn(5, 3), torch.tensor([0, 0, 1, 1, 2]), "1 of 3 images have one view only"),
        (torch.ones(4, 3), torch.tensor([0, 0, 1, 1]), "all images have the same features"),
    ],
)
def test_lidar_without_an_answer_is_nan(rows: Tensor, image: Tensor, reason: str) -> None:
    with pytest.warns(RuntimeWarning, match=f"LiDAR is NaN: .*{reason}"):
        assert lidar(rows, image).isnan()


def test_lidar_refuses_bad_arguments() -> None:
    with pytest.raises(ValueError, match="delta: expected a number above 0 and finite, got 0"):
        lidar(*_views(), delta=0)
    with pytest.raises(ValueError, match="labels: expected integers"):
        lidar(_views()[0], _views()[1].float())


def _clid_written_out(rows: np.ndarray, clusters: np.ndarray, k: int) -> list[float]:
    """The leave-one-out accuracy of k equal votes by cosine, and `N / Σ log(r_2 / r_1)` by Euclidean distance."""
    hits = 0
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    for i, row in enumerate(unit):
        similarity = unit @ row
        similarity[i] = -np.inf
        votes = clusters[np.argsort(-similarity)[:k]].tolist()
        hits += max(votes, key=votes.count) == clusters[i]  # of clusters with as many votes, that of the nearest
    distances = NearestNeighbors(n_neighbors=2).fit(rows).kneighbors()[0]
    return [hits / len(rows), len(rows) / float(np.log(distances[:, 1] / distances[:, 0]).sum())]


@pytest.mark.parametrize("k", [1, 5, 10])
def test_clid_equals_its_definition_written_out(k: int) -> None:
    features, _ = data(150)
    rows = features.double().numpy()
    clusters = KMeans(6, n_init=5, random_state=0).fit_predict(rows)
    expected = _clid_written_out(rows, clusters, k)
    assert 0.5 < expected[0] < 1
    assert clid(features, torch.from_numpy(clusters), k).tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("rows", "k", "reasons", "nan"),
    [
        (ordinary(5), 5, ["kNN accuracy at k = 5"], [True, False]),
        (torch.eye(5), 2, ["intrinsic dimension"], [False, True]),
        (torch.eye(2), 1, ["intrinsic dimension"], [False, True]),
        (torch.eye(1), 1, ["kNN accuracy at k = 1", "intrinsic dimension"], [True, True]),
    ],
)
def test_the_parts_of_clid_without_an_answer_are_nan(rows: Tensor, k: int, reasons: list[str], nan: list[bool]) -> None:
    with pytest.warns(RuntimeWarning, match="is NaN") as caught:
        parts = clid(rows, torch.arange(len(rows)) % 2, k)
    assert [str(warning.message).partition(" is NaN")[0] for warning in caught] == reasons
    assert parts.isnan().tolist() == nan


@pytest.mark.parametrize("dimension", [1, 2, 5])
def test_intrinsic_dimension_of_a_flat_surface(dimension: int) -> None:
    generator = torch.Generator().manual_seed(dimension)
    surface = torch.rand(1500, dimension, generator=generator) @ torch.randn(dimension, 40, generator=generator)
    assert float(intrinsic_dimension(surface + 7)) == pytest.approx(dimension, rel=0.12)


def test_duplicates_do_not_enter_the_intrinsic_dimension() -> None:
    rows = ordinary(200)
    expected = intrinsic_dimension(rows)
    twice = torch.cat([rows, rows[:1]])
    assert float(intrinsic_dimension(twice)) == pytest.approx(float(expected), rel=0.05)


# What the package reptrix 0.1.0 computes, restated.


def _reptrix_spectrum(x: np.ndarray) -> np.ndarray:
    """`utils.get_eigenspectrum`: the shares of variance of all principal components."""
    model = PCA(n_components=min(x.shape), svd_solver="full").fit(x - x.mean(axis=0))
    return np.asarray(model.explained_variance_ratio_)


def _reptrix_rank(spectrum: np.ndarray) -> float:
    """`rankme.get_rank` and `lidar.get_rank`."""
    shares = spectrum / np.abs(spectrum).sum() + 1e-7
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _reptrix_alpha(spectrum: np.ndarray) -> float:
    """`alpha.get_powerlaw` over its default range."""
    logs, ranks = np.log(np.abs(spectrum)), np.arange(10, 100)
    y = logs[ranks][:, None]
    ranks = ranks + 1
    x = np.stack([-np.log(ranks), np.ones(len(ranks))], axis=1)
    w = 1.0 / ranks.astype(np.float32)[:, None]
    return float(np.linalg.solve(x.T @ (x * w), (w * x).T @ y)[0, 0])


def _decaying() -> Tensor:
    return ordinary(600, 128) / torch.arange(1, 129) ** 0.7 + 0.5


def test_reptrix_agrees_on_alpha_req() -> None:
    features = _decaying()
    expected = _reptrix_alpha(_reptrix_spectrum(features.double().numpy()))
    assert float(alpha_req(features)) == pytest.approx(expected, rel=1e-6)


def test_what_reptrix_calls_rankme_is_the_effective_rank() -> None:
    features = _decaying()
    theirs = _reptrix_rank(_reptrix_spectrum(features.double().numpy()))
    assert float(effective_rank(features)) == pytest.approx(theirs, rel=1e-4)
    paper = _reptrix_rank(np.linalg.svd(features.double().numpy(), compute_uv=False))
    assert float(rankme(features)) == pytest.approx(paper, rel=1e-4)
    assert paper > 1.2 * theirs


def test_reptrix_computes_another_lidar() -> None:
    """It takes the discriminant matrix for a matrix of samples, and its components' variances for the spectrum."""
    rows, image = _views()
    x = torch.stack([rows[image == i] for i in range(IMAGES)]).double()
    means = x.mean(dim=1)
    between = (means - means.mean(dim=0)).T @ (means - means.mean(dim=0))
    deviations = x - means[:, None]
    within = (deviations.transpose(1, 2) @ deviations).mean(dim=0) + 1e-6 * torch.eye(D)
    values, vectors = torch.linalg.eigh(within)
    root = vectors @ torch.diag(values**-0.5) @ vectors.T
    matrix = (root @ between @ root).numpy()
    theirs = _reptrix_rank(_reptrix_spectrum(matrix))
    ours = float(lidar(rows, image, delta=1e-6 / VIEWS))
    assert ours == pytest.approx(_reptrix_rank(np.linalg.eigvalsh(matrix)), rel=1e-3)
    assert theirs < 0.9 * ours


def test_k_means_of_many_samples_goes_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    features, _ = data(300)
    monkeypatch.setattr(importlib.import_module("csl.metrics.functional.kmeans"), "LARGE", 299)
    expected = MiniBatchKMeans(5, batch_size=4096, n_init=5, random_state=3).fit_predict(features.numpy())
    assert kmeans_clusters(features, 5, seed=3).tolist() == expected.tolist()


def _in_batches_on_two(features: Tensor) -> Tensor:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("csl.metrics.functional.kmeans"), "LARGE", 299)
        return kmeans_clusters(features[shard(len(features), world())], 5, seed=3, group=world())


def test_k_means_in_batches_on_two_processes_equals_one(two_processes: TwoProcesses) -> None:
    features, _ = data(300)
    expected = MiniBatchKMeans(5, batch_size=4096, n_init=5, random_state=3).fit_predict(features.numpy())
    assert torch.cat(two_processes(_in_batches_on_two, features)).tolist() == expected.tolist()


def test_k_means_leaves_the_global_generators_alone_and_refuses_too_many_clusters() -> None:
    features, _ = data(30)
    np.random.seed(0)
    state, torch_state = np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index]
    kmeans_clusters(features, 3)
    assert np.array_equal(np.random.get_state()[1], state)  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), torch_state)
    with pytest.raises(ValueError, match="num_clusters: expected 1 to 30, the number of samples, got 31"):
        kmeans_clusters(features, 31)


def test_two_processes_equal_one(two_processes: TwoProcesses) -> None:
    rows, image = _views()
    clusters = kmeans_clusters(rows, 4)
    assert torch.equal(torch.cat(two_processes.sharded(kmeans_clusters, [rows], 4)), clusters)
    for together in two_processes.sharded(lidar, [rows, image]):
        torch.testing.assert_close(together, lidar(rows, image), rtol=1e-9, atol=0)
    for together in two_processes.sharded(clid, [rows, clusters]):
        torch.testing.assert_close(together, clid(rows, clusters), rtol=1e-6, atol=0)
