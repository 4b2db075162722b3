import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from csl.data import Digits, Folder, ImageSet
from csl.figures.agreement_plot import agreement_plot
from csl.figures.image_rows import Tile, image_rows
from csl.metrics.functional import neighbor_agreement
from csl.study.agreement import best_agreement, numbers_of_neighbors
from csl.study.near import (
    closest_of_different_classes,
    label_votes,
    loneliness,
    nearest,
    nearest_in,
    ranked,
)
from csl.study.neighbor_study import neighbor_study
from csl.study.subjects import Encoded, Subject, read_subjects
from csl.table import Table

MNIST = os.environ.get("CSL_MNIST", "")  # a folder with the images of MNIST, one folder a class in train and test


def unit(n: int, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    labels = torch.arange(n) % classes
    rows = torch.randn(n, 8, generator=torch.Generator().manual_seed(seed)) + 2 * torch.eye(8)[labels]
    return torch.nn.functional.normalize(rows, dim=1), labels


def with_images(name: str = "a", seed: int = 0) -> Subject:
    features, labels = unit(60, seed=seed)
    pixels = torch.arange(60, dtype=torch.uint8).view(60, 1, 1, 1).expand(60, 1, 4, 4).clone()
    val = Encoded(features[::6] + 0.001, labels[::6], None, lambda i: pixels[::6][i])
    train = Encoded(features, labels, None, lambda i: pixels[i])
    return Subject(name, Path(name), None, ("cat", "$x_", "<b>"), val, train)


def records(table: Table) -> list[dict[str, object]]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def swapped(labels: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """Labels of which a share is another class's, and where."""
    generator = torch.Generator().manual_seed(seed)
    at = torch.randperm(len(labels), generator=generator)[: round(share * len(labels))]
    classes = int(labels.max()) + 1
    wrong = labels.clone()
    wrong[at] = (labels[at] + torch.randint(1, classes, (len(at),), generator=generator)) % classes
    return wrong, at


def found_among_the_first(images: ImageSet, positions: Tensor, share: float, seed: int) -> float:
    features = images.images(positions).flatten(1).float()
    labels, at = swapped(images.labels[positions], share, seed)
    doubt = label_votes(nearest(features, 20), labels).doubt
    first = doubt.argsort(descending=True, stable=True)[: round(2 * share * len(labels))]
    return float(torch.isin(at, first).float().mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_swapped_labels_of_digits_are_among_the_most_doubtful(seed: int) -> None:
    train = Digits().load().train
    assert found_among_the_first(train, torch.arange(len(train)), 0.02, seed) >= 0.9


@pytest.mark.skipif(not MNIST, reason="CSL_MNIST names no folder of MNIST")
def test_swapped_labels_of_mnist_are_among_the_most_doubtful() -> None:
    train = Folder(MNIST).load().train
    some = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:5000]
    assert found_among_the_first(train, some, 0.02, 0) >= 0.9


def test_neighbours_are_the_others_of_the_highest_cosine() -> None:
    features, _ = unit(40)
    similar = (features @ features.T).fill_diagonal_(-2)
    found = nearest(3 * features, 5)
    assert torch.equal(found.index, similar.argsort(dim=1, descending=True)[:, :5])
    torch.testing.assert_close(found.similarity.float(), similar.sort(dim=1, descending=True).values[:, :5])
    assert nearest(features, 100).index.shape == (40, 39)
    with pytest.raises(ValueError, match="features: expected at least 2 rows, got 1"):
        nearest(features[:1], 3)


def test_doubt_is_the_share_of_the_best_other_label_less_that_of_its_own() -> None:
    rows = torch.eye(4)[[0, 0, 0, 0, 1, 1, 1, 1]]
    votes = label_votes(nearest(rows, 3), torch.tensor([0, 0, 0, 2, 1, 1, 1, 1]))
    torch.testing.assert_close(votes.doubt, torch.tensor([-1 / 3, -1 / 3, -1 / 3, 1, -1, -1, -1, -1]).double())
    assert votes.voted.tolist() == [2, 2, 2, 0, -1, -1, -1, -1]


def test_the_loneliest_is_far_from_all() -> None:
    rows = torch.cat([unit(30)[0].abs(), -torch.ones(1, 8)])
    assert int(loneliness(nearest(rows, 5)).argmax()) == 30


def test_the_closest_pairs_of_different_classes_with_their_ranks() -> None:
    features, labels = unit(50)
    similar = features.double() @ features.double().T
    allowed = (labels[:, None] != labels).triu(1)
    expected = similar.masked_fill(~allowed, -2).flatten().argsort(descending=True)[:6]
    pairs = closest_of_different_classes(features, labels, 6)
    assert [(pair.first, pair.second) for pair in pairs] == [(int(at) // 50, int(at) % 50) for at in expected]
    for pair in pairs:
        order = similar[pair.first].clone().index_fill_(0, torch.tensor(pair.first), -2).argsort(descending=True)
        assert order[pair.rank - 1] == pair.second
        assert pair.similarity == pytest.approx(float(similar[pair.first, pair.second]))
    assert ranked(features, [(0, 0)])[0].rank == 50


def test_a_held_out_image_that_is_in_the_training_set_is_found() -> None:
    train, _ = unit(40)
    found = nearest_in(torch.stack([train[7], -train[3]]), train)
    assert found.index[0, 0] == 7
    assert found.similarity[0, 0] == pytest.approx(1)
    assert found.similarity[1, 0] < 0.9


def test_agreement_of_several_encoders_and_what_the_classes_allow() -> None:
    found = neighbor_study([with_images("a"), with_images("b", 1)])
    table = found.tables["agreement"]
    assert table.header == ["k", "a", "b", "classes all apart"]
    features, labels = unit(60)
    ks = [int(row[0] or 0) for row in table.rows]
    assert [row[1] for row in table.rows] == pytest.approx(neighbor_agreement(features, labels, ks).tolist())
    assert [row[3] for row in table.rows] == pytest.approx([min(1, 19 / k) for k in ks])
    assert (ks[0], ks[-1]) == (1, 59)
    assert best_agreement(torch.tensor([0, 0, 0, 1]), [1, 3]) == pytest.approx([0.75, 0.5])
    assert {1, 10, 100, 500, 1000} <= set(numbers_of_neighbors(2000))
    assert max(numbers_of_neighbors(5000)) == 1000


def test_tables_of_one_image_pairs_scores_and_duplicates() -> None:
    found = neighbor_study([with_images("a"), with_images("b", 1)], samples=[3, 17], pairs=5)
    near = records(found.tables["neighbors"])
    assert [(row["sample"], row["rank"]) for row in near] == [(s, rank) for s in (3, 17) for rank in range(1, 11)]
    assert all(row["hit"] == int(row["class"] == row["neighbor_class"]) for row in near)
    pairs = records(found.tables["pairs"])
    assert len(pairs) == 5
    assert all(row["first_class"] != row["second_class"] for row in pairs)
    other, _ = unit(60, seed=1)
    for row in pairs:
        expected = float(other[int(str(row["first"]))] @ other[int(str(row["second"]))])
        assert row["similarity_in_second_encoder"] == pytest.approx(expected, abs=1e-5)
    scores = records(found.tables["scores"])
    doubts = [float(str(row["doubt"])) for row in scores]
    assert sorted(int(str(row["sample"])) for row in scores) == list(range(60))
    assert doubts == sorted(doubts, reverse=True)
    assert {"rld_0.1", "neighbor_purity_10", "neighbor_margin", "loneliness"} <= set(scores[0])
    twice = records(found.tables["duplicates"])
    assert all(int(str(row["train"])) == 6 * int(str(row["val"])) and row["pixels_apart"] == 0 for row in twice)
    assert set(found.figures) == {"agreement", "neighbors", "doubtful", "outliers", "pairs", "duplicates"}
    found.figures["neighbors"].savefig(io.BytesIO(), format="svg")


def test_features_alone_give_tables_and_the_curve() -> None:
    subject = with_images()
    assert subject.train is not None
    bare = replace(subject, train=None, val=replace(subject.train, images=None, names=[f"{i}.png" for i in range(60)]))
    found = neighbor_study([bare])
    assert set(found.figures) == {"agreement"}
    assert set(found.tables) == {"agreement", "neighbors", "pairs", "scores"}
    assert records(found.tables["scores"])[0]["name"] == f"{records(found.tables['scores'])[0]['sample']}.png"


def test_a_run_is_looked_at_as_it_is(digits_run: Path) -> None:
    found = neighbor_study(read_subjects([digits_run], [1, 2]), count=3)
    assert found.tables["agreement"].header[1:3] == [f"simclr-digits/version_0 epoch {epoch}" for epoch in (1, 2)]
    assert len(found.tables["scores"].rows) == 1400
    assert len(found.tables["neighbors"].rows) == 30


def test_hits_and_misses_differ_by_more_than_colour() -> None:
    image = torch.zeros(1, 2, 2, dtype=torch.uint8)
    tiles = [
        Tile(image, ("cat", "$x")),
        Tile(image, ("cat",), True),
        Tile(image, ("a very long name of a dog",), False),
    ]
    figure = image_rows([tiles, tiles[:1]], title="100$ $", gaps=(1,))
    shown = [axes for axes in figure.axes if axes.images]
    assert [axes.get_xlabel() for axes in shown] == ["cat\n\\$x", "✓ cat", "✗ a very long\nname of a dog", "cat\n\\$x"]
    assert [axes.spines["top"].get_linestyle() for axes in shown[1:3]] == ["-", "--"]
    figure.savefig(io.BytesIO(), format="png")


def test_one_curve_an_encoder_with_names_as_they_are_written() -> None:
    figure = agreement_plot([1, 10], {"$a$ <b>": [1.0, 0.5], "_b": [0.9, float("nan")]}, [1.0, 1.0])
    (axes,) = figure.axes
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["classes all apart", "\\$a\\$ <b>", "_b"]
    assert len({line.get_linestyle() for line in axes.get_lines()[1:]}) == 2
    figure.savefig(io.BytesIO(), format="png")


def test_refuses_what_has_no_labels_and_numbers_of_no_image() -> None:
    subject = with_images()
    assert subject.train is not None
    none = replace(subject, train=replace(subject.train, labels=torch.full((60,), -1)), class_names=())
    with pytest.raises(ValueError, match="a: expected labels, since neighbours are compared by their classes"):
        neighbor_study([none])
    with pytest.raises(ValueError, match="samples: expected numbers from 0 to 59, got 60"):
        neighbor_study([subject], samples=[60])
