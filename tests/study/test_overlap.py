import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from csl.data import Augmentation, Digits, ImageDataModule
from csl.study.image_pairs import closest, image_pairs
from csl.study.images import images_of
from csl.study.overlap import Share, overlap
from csl.study.overlap_study import overlap_study

GREY = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1).expand(3, 1, 4, 4)
DRAWS = 20


def unit(images: Tensor) -> Tensor:
    return images.float() / 255


@pytest.mark.parametrize(("hits", "draws"), [(0, 10), (10, 10), (3, 10), (1, 100_000), (0, 1_000_000)])
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_the_interval_is_that_of_clopper_and_pearson(hits: int, draws: int, confidence: float) -> None:
    expected = binomtest(hits, draws).proportion_ci(confidence, method="exact")
    share = Share.of(hits, draws, confidence)
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), rel=1e-6)


def test_equal_views_are_counted_and_distances_are_those_of_pixels() -> None:
    same = overlap(GREY, torch.tensor([[0, 0], [1, 1]]), (unit, unit), DRAWS, [0.0])
    assert (same.exact.hits, same.within[0.0].hits, same.nearest, same.median) == (DRAWS, DRAWS, 0.0, 0.0)
    apart = overlap(GREY, torch.tensor([[0, 1], [1, 2]]), (unit, unit), DRAWS, [0.1, 0.21, 0.9])
    assert apart.exact.hits == 0
    assert {limit: share.hits for limit, share in apart.within.items()} == {0.1: 0, 0.21: DRAWS // 2, 0.9: DRAWS}
    assert apart.nearest == pytest.approx(0.2)


def test_views_that_differ_by_less_than_a_level_are_the_same() -> None:
    found = overlap(GREY, torch.tensor([[1, 1]]), (unit, lambda images: unit(images) + 0.001), DRAWS, [0.0005, 0.002])
    assert (found.exact.hits, found.within[0.0005].hits, found.within[0.002].hits) == (DRAWS, 0, DRAWS)


def test_both_views_are_drawn_anew_and_the_share_is_right() -> None:
    def coin(images: Tensor) -> Tensor:
        return torch.rand(len(images), 1, 1, 1).round().expand(-1, 1, 2, 2)

    found = overlap(GREY, torch.tensor([[0, 1], [1, 2]]), (coin, coin), 5000, [0.5], confidence=0.9999)
    assert found.exact == found.within[0.5]
    assert found.exact.low < 0.5 < found.exact.high
    assert found.exact.high - found.exact.low < 0.06


def test_the_seed_decides_and_the_random_state_stays() -> None:
    images = torch.randint(256, (10, 3, 16, 16), dtype=torch.uint8)
    draw = Augmentation()
    before = torch.get_rng_state()
    pairs = torch.tensor([[0, 1], [2, 3], [4, 5]])
    first, again, other = (overlap(images, pairs, (draw, draw), 50, [0.2], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert first == again
    assert first.median != other.median


def test_the_closest_pairs_are_those_of_all_pairs() -> None:
    rows, labels = torch.randn(60, 3), torch.arange(60) % 4
    far = torch.cdist(rows, rows)
    for same in (True, False):
        pairs = [(far[i, j].item(), i, j) for i in range(60) for j in range(i) if (labels[i] == labels[j]) == same]
        expected = [sorted((i, j)) for _, i, j in sorted(pairs)[:7]]
        found = closest(rows, 7, lambda i, same=same: (labels[i, None] == labels) == same, block=16)  # type: ignore[misc]
        assert found.tolist() == expected


def test_kinds_follow_the_labels() -> None:
    rows = torch.randn(12, 2)
    assert list(image_pairs(rows, torch.arange(12) % 3, 5)) == [
        "one image, twice",
        "closest of one class",
        "closest of two classes",
        "any two images",
    ]
    assert list(image_pairs(rows, torch.full((12,), -1), 5)) == ["one image, twice", "closest", "any two images"]
    assert "closest of two classes" not in image_pairs(rows, torch.zeros(12), 5)
    drawn = image_pairs(rows, torch.zeros(12), 500)["any two images"]
    assert bool((drawn[:, 0] != drawn[:, 1]).all())
    assert int(drawn.max()) < 12


def test_a_study_of_digits_has_a_row_and_a_picture_a_kind() -> None:
    data, augment = images_of("Digits")
    found = overlap_study(data, augment, draws=200, distances=[0.1, 1.0], num_pairs=20)
    rows = {row[0]: dict(zip(found.tables["overlap"].header, row, strict=True)) for row in found.tables["overlap"].rows}
    assert all(row["within_1"] == 1 and row["same"] == 0 for row in rows.values())
    assert float(rows["one image, twice"]["median"] or 0) < float(rows["any two images"]["median"] or 0)
    assert len(found.figures["overlap"].subfigs) == 4
    assert "200 pairs of views of each kind; share of them, with 95% intervals" in str(found)


def test_images_keep_their_places_and_labels() -> None:
    data = ImageDataModule(Digits())
    train = Digits().load().train
    positions = torch.tensor([5, 2])
    assert torch.equal(data.images("train", positions), train.images(positions))


def test_refuses_what_cannot_be_drawn() -> None:
    with pytest.raises(ValueError, match="pairs: expected at least one pair of images, got none"):
        overlap(GREY, torch.empty(0, 2, dtype=torch.int64), (unit, unit), 5, [0.1])
    with pytest.raises(ValueError, match=r"augment: expected views of one size, got \[4, 4\] and \[2, 2\]"):
        overlap(GREY, torch.tensor([[0, 1]]), (unit, lambda images: unit(images)[..., :2, :2]), 5, [0.1])
    with pytest.raises(ValueError, match=r"hits: expected 0 to as many as draws, .* got 3 of 2"):
        Share.of(3, 2)
    with pytest.raises(ValueError, match="images: expected at least 2, got 1"):
        image_pairs(torch.ones(1, 2), torch.zeros(1), 5)
    with pytest.raises(ValueError, match=r"where: expected a run's folder or one of CIFAR10, .*, got 'CIFAR'"):
        images_of("CIFAR")
    with pytest.raises(ValueError, match="root: expected the folder or file that Folder reads, got none"):
        images_of("Folder")
