import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import torch
from sklearn.manifold import trustworthiness
from torch import Tensor

from csl.figures.map_grid import MARKERS, Panel, densest, look, map_grid
from csl.figures.tsne import turned
from csl.study import layouts as module
from csl.study.layouts import Layout, check_perplexity, layouts, tsne_bytes
from csl.study.map_study import map_study
from csl.study.subjects import Encoded, Subject
from csl.study.trust import trust
from csl.table import Table

needs_umap = pytest.mark.skipif(find_spec("umap") is None, reason="umap-learn is not installed")
KINDS = ["tsne", "pca", pytest.param("umap", marks=needs_umap)]


def clumps(n: int = 90, seed: int = 0) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % 3
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed)) + 6 * torch.eye(6)[labels], labels


def subject(name: str, seed: int = 0, n: int = 90) -> Subject:
    features, labels = clumps(n, seed)
    images = torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).expand(n, 1, 4, 4)
    return Subject(
        name, Path(name), None, ("cat", "dog", "<b>$x$"), Encoded(features, labels, None, lambda i: images[i].clone())
    )


def cells(table: Table, name: str) -> list[float]:
    return [float(row[list(table.header).index(name)] or 0) for row in table.rows]


def test_the_usual_perplexities_and_one_map_a_kind() -> None:
    assert layouts(["pca", "tsne"], [], 400)[0].name == "PCA"
    assert [way.perplexity for way in layouts(["tsne"], [], 25_000)] == [25, 2500, 4950]
    assert [way.perplexity for way in layouts(["tsne"], [], 240)] == [25, 237]
    assert [way.perplexity for way in layouts(["tsne"], [], 4)] == [2, 3]
    assert [way.perplexity for way in layouts(["tsne"], [3, 7.5], 50)] == [3, 7.5]
    assert [way.perplexity for way in layouts(["tsne"], [], 12)] == [4, 11]


def test_t_sne_shows_clumps_at_a_small_perplexity_and_none_at_that_of_all_samples() -> None:
    features, labels = clumps()
    kept = []
    for perplexity in (5, 89):
        points = torch.from_numpy(Layout("tsne", perplexity).place(features.double().numpy()))
        nearest = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(dim=1)
        kept.append(float((labels[nearest] == labels).float().mean()))
    assert kept[0] > 0.95
    assert kept[0] > kept[1]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_map(kind: module.Projection) -> None:
    rows = clumps()[0].double().numpy()
    np.testing.assert_array_equal(Layout(kind, 9, 1).place(rows), Layout(kind, 9, 1).place(rows))


@pytest.mark.parametrize("kind", KINDS)
def test_a_map_starts_from_the_one_before(kind: module.Projection) -> None:
    rows = clumps()[0].double().numpy()
    start = Layout(kind, 20).place(rows)
    flipped = start @ np.array([[0.0, 1.0], [1.0, 0.0]]) * 3
    again = Layout(kind, 20).place(rows + 0.01, flipped)
    along = np.corrcoef(again.ravel(), flipped.ravel())[0, 1]
    assert along > 0.9
    assert np.corrcoef(again.ravel(), start.ravel())[0, 1] < 0.9


def test_turning_keeps_the_shape() -> None:
    points = np.random.default_rng(0).normal(size=(20, 2))
    angle = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(turned(points @ angle * [1, -1], points), points, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(turned(points, points[::-1]), axis=1), np.linalg.norm(points, axis=1))


def test_perplexities_are_refused_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    message = "perplexities: expected more than 1 and less than the 50 samples of the map, got 50, which is a number of"
    with pytest.raises(ValueError, match=message):
        layouts(["tsne"], [5, 50], 50)
    with pytest.raises(ValueError, match=r"less than the 5,000 samples of the map, got 6000"):
        layouts(["tsne"], [6000], 10_000)
    with pytest.raises(ValueError, match="samples: expected at least 4 for a map, got 3"):
        layouts(["pca"], [], 3)
    monkeypatch.setattr(module, "memory_of", lambda device: (1e9, 2e9))
    assert tsne_bytes(24_900, 25_000) == pytest.approx(20e9, rel=0.01)
    with pytest.raises(ValueError, match=r"24,999 neighbours of each and takes about 20.0 GB, but 1.0 GB are free"):
        check_perplexity(24_900, 25_000)
    check_perplexity(25, 25_000)


@needs_umap
def test_umap_shows_clumps_and_is_trusted_as_other_maps_are() -> None:
    features, labels = clumps()
    found = map_study([subject("a"), subject("b", 1)], projections=["umap", "pca"])
    trusted = [(row[1], row[3]) for row in found.tables["trust"].rows]
    assert [name for name, _ in trusted] == ["UMAP", "UMAP", "PCA", "PCA"]
    points = torch.from_numpy(Layout("umap").place(features.double().numpy()))
    nearest = torch.cdist(points, points).fill_diagonal_(torch.inf).argmin(dim=1)
    assert float((labels[nearest] == labels).float().mean()) > 0.95


def test_umap_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="projections: umap needs a package that is not installed; pip install umap-l"):
        layouts(["umap"], [], 50)


def test_trust_counts_neighbours_that_are_shown_wrongly_or_not_at_all() -> None:
    rows = np.random.default_rng(0).normal(size=(60, 5))
    points = rows[:, :2]
    found = trust(rows, points, k=5)
    assert found.trustworthiness == pytest.approx(trustworthiness(rows, points, n_neighbors=5))
    assert found.continuity == pytest.approx(trustworthiness(points, rows, n_neighbors=5))
    near = [np.argsort(np.linalg.norm(x[:, None] - x[None], axis=2), axis=1)[:, 1:6] for x in (rows, points)]
    assert found.kept == pytest.approx(np.mean([len(set(a) & set(b)) / 5 for a, b in zip(*near, strict=True)]))
    torn = np.hstack([np.arange(60.0)[:, None] % 30, np.zeros((60, 1))])  # two halves of a line on top of each other
    line = np.arange(60.0)[:, None]
    assert trust(line, torn, k=4).trustworthiness < trust(line, torn, k=4).continuity
    with pytest.raises(ValueError, match="samples: expected at least 4, got 3"):
        trust(rows[:3], points[:3])


def test_encoders_share_samples_and_the_picture_has_a_row_a_layout() -> None:
    found = map_study([subject("a"), subject("b", 1)], perplexities=[5, 20], max_samples=60)
    points, trusted = found.tables["points"], found.tables["trust"]
    assert len(points.rows) == 60 * 2 * 3
    by_map: dict[tuple[object, object], list[object]] = {}
    for row in points.rows:
        by_map.setdefault((row[0], row[1]), []).append(row[2])
    assert len({tuple(samples) for samples in by_map.values()}) == 1
    assert [row[:3] for row in trusted.rows[:2]] == [["a", "t-SNE, perplexity 5", 60], ["b", "t-SNE, perplexity 5", 60]]
    assert min(cells(trusted, "trustworthiness")) > 0.7
    axes = found.figures["map"].axes
    assert [a.get_title() for a in axes] == ["a", "b", *[""] * 4]
    assert [a.get_ylabel() for a in axes[::2]] == ["t-SNE, perplexity 5", "t-SNE, perplexity 20", "PCA"]
    assert "neighbours kept; 60 samples" in axes[0].get_xlabel()


def test_a_map_of_all_pairs_is_made_of_fewer_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("csl.study.maps.MOST_FOR_ALL_PAIRS", 40)
    monkeypatch.setattr(module, "MOST_FOR_ALL_PAIRS", 40)
    found = map_study([subject("a")], projections=["tsne"], perplexities=[5, 35], max_samples=80)
    assert cells(found.tables["trust"], "samples") == [80, 40]


def test_the_file_for_viewers_holds_positions_neighbours_labels_and_images(tmp_path: Path) -> None:
    found = map_study([subject("a"), subject("b", 1)], perplexities=[9], parquet=tmp_path / "map.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "map.parquet")
    rows = table.to_pylist()
    assert len(rows) == 90
    assert set(rows[0]) == {
        *(f"projection_{axis}{end}" for axis in "xy" for end in ("", "_2", "_3", "_4")),
        *("label", "sample", "neighbors", "image"),
    }
    assert table.schema.metadata[b"map_2"] == b"b: t-SNE, perplexity 9"
    first = found.tables["points"].rows[:90]
    assert [(row["sample"], row["label"], row["projection_x"]) for row in rows] == [(r[2], r[3], r[4]) for r in first]
    features, _ = clumps()
    for row in rows[:5]:
        near = [rows[number]["sample"] for number in row["neighbors"]["ids"]]
        similarity = torch.cosine_similarity(features[row["sample"]], features[near])
        np.testing.assert_allclose(row["neighbors"]["distances"], 1 - similarity.numpy(), atol=1e-5)
        assert row["sample"] not in near
        assert row["image"]["bytes"][:4] == b"\x89PNG"


def test_a_hundred_classes_look_different_and_are_listed() -> None:
    assert len({(tuple(color), marker) for color, marker in map(look, range(100))}) == 100
    labels = np.arange(400) % 100
    panel = Panel("title", "", "note", np.random.default_rng(0).normal(size=(400, 2)), labels)
    figure = map_grid([[panel]], [f"class {number}" for number in range(100)])
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[42] == "42 class 42"
    assert sorted(text.get_text() for text in figure.axes[0].texts) == sorted(map(str, range(100)))
    assert len(MARKERS) == 10


def test_names_are_shown_as_they_are_written() -> None:
    panel = Panel("$run_1$ <b>", "$\\frac$", "note", np.eye(4)[:, :2], np.array([0, 1, 2, 0]))
    figure = map_grid([[panel]], ["$\\frac{", "<script>", "_a$b"], title="100$ and 5$")
    figure.savefig(io.BytesIO(), format="png")
    figure.savefig(svg := io.BytesIO(), format="svg")
    assert b"<script>" not in svg.getvalue()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["\\$\\frac{", "<script>", "_a\\$b"]


def test_samples_without_labels_have_one_look() -> None:
    panel = Panel("title", "", "note", np.eye(4)[:, :2], np.full(4, -1))
    figure = map_grid([[panel]], [])
    assert not figure.legends
    assert not figure.axes[0].texts


def test_a_class_is_named_where_most_of_it_lies() -> None:
    crowd = np.random.default_rng(0).normal(size=(30, 2)) * 0.1
    assert np.linalg.norm(densest(np.vstack([crowd, crowd[:5] + 9]))) < 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [torch.ones(12, 3), torch.eye(4).repeat(3, 1), torch.arange(12.0)[:, None]])
def test_degenerate_features_have_a_map(rows: Tensor, kind: module.Projection) -> None:
    one = Subject("a", Path("a"), None, ("cat",), Encoded(rows, torch.zeros(12, dtype=torch.int64)))
    points = map_study([one], projections=[kind], perplexities=[3]).tables["points"]
    assert np.isfinite([cells(points, "x"), cells(points, "y")]).all()
