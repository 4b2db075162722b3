import io

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from torch import Tensor

from csl.figures import feature_map
from csl.figures.feature_map import Projection
from csl.figures.projection import pca, stratified_sample
from tests.pairwise.hard_data import ordinary

NAMES = [f"class {i}" for i in range(4)]


def _data(n: int = 80) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 4
    return ordinary(n, 8) + 4 * torch.eye(8)[labels], labels


def _colors(figure: Figure) -> list[tuple[float, ...]]:
    return [tuple(color) for color in np.asarray(figure.axes[0].collections[0].get_facecolor()).tolist()]


def test_pca_equals_scikit_learn_up_to_signs() -> None:
    values = ordinary(50, 6).double().numpy()
    points, shares = pca(values)
    model = PCA(2).fit(values)
    np.testing.assert_allclose(np.abs(points), np.abs(model.transform(values)), atol=1e-9)
    np.testing.assert_allclose(shares, model.explained_variance_ratio_, atol=1e-12)


def test_map_shows_every_sample_named_and_counted() -> None:
    figure = feature_map(*_data(), NAMES, title="an encoder")
    (axes,) = figure.axes
    assert axes.get_title() == "an encoder"
    assert axes.get_xlabel() == "t-SNE of all 80 samples"
    assert np.shape(axes.collections[0].get_offsets()) == (80, 2)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == NAMES
    assert len(set(_colors(figure))) == 4
    figure.savefig(io.BytesIO(), format="png")


def test_t_sne_separates_clumps() -> None:
    values, labels = _data()
    figure = feature_map(values * torch.arange(1, 81)[:, None], labels, NAMES)
    points = torch.from_numpy(np.asarray(figure.axes[0].collections[0].get_offsets()))
    colors = _colors(figure)
    nearest = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(dim=1)
    assert np.mean([colors[i] == colors[j] for i, j in enumerate(nearest)]) > 0.95


def test_same_seed_same_map_and_the_random_state_stays() -> None:
    before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)
    maps = [feature_map(*_data(), NAMES, max_samples=50, seed=3).axes[0].collections[0].get_offsets() for _ in range(2)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert torch.equal(torch.get_rng_state(), before)
    numpy_after = np.random.get_state(legacy=False)
    np.testing.assert_array_equal(numpy_after["state"]["key"], numpy_before["state"]["key"])
    assert numpy_after["state"]["pos"] == numpy_before["state"]["pos"]


def test_a_sample_keeps_the_proportions_and_says_its_size() -> None:
    labels = np.repeat(np.arange(4), [400, 300, 200, 100])
    chosen = stratified_sample(labels, 50, seed=0)
    assert len(set(chosen.tolist())) == 50
    assert np.bincount(labels[chosen]).tolist() == [20, 15, 10, 5]
    figure = feature_map(*_data(), NAMES, max_samples=40, projection="pca")
    assert "(40 of 80 samples)" in figure.axes[0].get_xlabel()


@pytest.mark.parametrize("count", [10, 15, 100])
def test_any_number_of_classes(count: int) -> None:
    labels = torch.arange(200) % count
    figure = feature_map(ordinary(200), labels, [str(i) for i in range(count)], projection="pca")
    assert len(set(_colors(figure))) == count
    assert bool(figure.legends) == (count <= 20)
    assert len(figure.axes) == (1 if count <= 20 else 2)


@pytest.mark.parametrize("values", [torch.ones(5, 1), torch.ones(5, 7), torch.zeros(5, 2), ordinary(3, 2)])
def test_degenerate_features_have_a_map(values: Tensor) -> None:
    labels = torch.zeros(len(values), dtype=torch.int64)
    projections: list[Projection] = ["tsne", "pca"]
    for projection in projections:
        figure = feature_map(values, labels, ["one"], projection=projection)
        assert np.isfinite(np.asarray(figure.axes[0].collections[0].get_offsets())).all()


def test_refuses_bad_input() -> None:
    values, labels = _data()
    with pytest.raises(ValueError, match="labels: expected 0 to 2, the classes that are named, got 0 to 3"):
        feature_map(values, labels, NAMES[:3])
    with pytest.raises(ValueError, match="at least 3 samples for a map, got 2"):
        feature_map(values[:2], labels[:2], NAMES)
    with pytest.raises(ValueError, match="projection: expected 'tsne' or 'pca', got 'umap'"):
        feature_map(values, labels, NAMES, projection="umap")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="max_samples: expected at least 3, got 0"):
        feature_map(values, labels, NAMES, max_samples=0)
    with pytest.raises(ValueError, match="perplexity: expected a positive number, got 0"):
        feature_map(values, labels, NAMES, perplexity=0)


def test_names_are_shown_as_they_are_written() -> None:
    names = ["$\\frac{", "<b>", "_a$b"]
    figure = feature_map(ordinary(6), torch.arange(6) % 3, names, projection="pca", title="100$ $")
    figure.savefig(io.BytesIO(), format="png")
