import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision.transforms import RandomResizedCrop

from csl.data import Augmentation
from csl.data.draws import draw
from csl.data.recipes import Recipe, large, recipe_for, small, tiny
from csl.randomness import seeded


def images(count: int = 16, channels: int = 3, size: int = 32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (count, channels, size, size), dtype=torch.uint8, generator=generator)


def alike(count: int, height: float, width: float) -> tuple[Tensor, Tensor]:
    return torch.full((count,), float(height)), torch.full((count,), float(width))


@pytest.mark.parametrize("recipe", [tiny(), small(), large(64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_views_are_floats_in_the_unit_range_and_all_differ(recipe: Recipe, channels: int) -> None:
    batch = images(1, channels, 48).expand(32, -1, -1, -1)
    view = Augmentation().follow(recipe)(batch)
    assert view.shape == (32, channels, recipe.image_size, recipe.image_size)
    assert view.dtype == torch.float32
    assert view.min() >= 0
    assert view.max() <= 1
    assert len(torch.unique(view.flatten(1), dim=0)) == 32


def test_a_share_of_the_global_batch_is_augmented_as_in_the_whole() -> None:
    augmentation, batch = (
        Augmentation(blur_probability=0.5, solarize_probability=0.3, erase_probability=0.5),
        images(12),
    )
    with seeded(1):
        whole = augmentation(batch)
    for rank in range(3):
        with seeded(1):
            part = augmentation(batch[rank * 4 : rank * 4 + 4], rank, 3)
        torch.testing.assert_close(part, whole[rank * 4 : rank * 4 + 4], atol=1e-6, rtol=0)


@pytest.mark.parametrize("recipe", [tiny(32), small(), large(32)])
def test_half_precision_rounds_by_less_than_eight_bits_do(recipe: Recipe) -> None:
    augmentation = Augmentation().follow(recipe)
    with seeded(1):
        exact = augmentation(images(64))
    with seeded(1):
        half = augmentation(images(64), dtype=torch.float16)
    steps = (half.float() - exact).abs() * 255
    assert half.dtype == torch.float16
    assert steps.mean() < 0.1
    assert steps.flatten().quantile(0.999) < 1


def test_a_batch_of_many_pieces_is_augmented_as_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = images(11)
    with seeded(1):
        whole = Augmentation()(batch)
    monkeypatch.setattr("csl.data.augmentation._CACHED_PIXELS", 2 * 32 * 32)
    with seeded(1):
        torch.testing.assert_close(Augmentation()(batch), whole)


def test_a_seed_repeats_the_views() -> None:
    views = []
    for seed in (0, 0, 1):
        with seeded(seed):
            views.append(Augmentation()(images()))
    assert torch.equal(views[0], views[1])
    assert not torch.equal(views[0], views[2])


def test_the_input_is_left_as_it_was() -> None:
    batch = images().float() / 255
    before = batch.clone()
    Augmentation(erase_probability=1.0)(batch)
    assert torch.equal(batch, before)


OFF: dict[str, Any] = {
    "crop_area": (1.0, 1.0),
    "crop_ratio": (1.0, 1.0),
    "flip_probability": 0.0,
    "jitter_probability": 0.0,
    "gray_probability": 0.0,
}


def test_everything_off_is_the_image_itself() -> None:
    torch.testing.assert_close(Augmentation(**OFF)(images()), images() / 255, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("strength", "channels"),
    [
        ({"crop_area": (0.1, 0.5)}, 1),
        ({"rotation": 30.0}, 1),
        ({"translation": 0.2}, 1),
        ({"scale": (0.5, 0.7)}, 1),
        ({"shear": 20.0}, 1),
        ({"brightness": 0.5, "jitter_probability": 1.0}, 1),
        ({"contrast": 0.5, "jitter_probability": 1.0}, 1),
        ({"saturation": 0.5, "jitter_probability": 1.0}, 3),
        ({"hue": 0.5, "jitter_probability": 1.0}, 3),
        ({"gray_probability": 1.0}, 3),
        ({"flip_probability": 1.0}, 1),
        ({"blur_probability": 1.0, "blur_sigma": (0.5, 1.0)}, 1),
        ({"solarize_probability": 1.0}, 1),
        ({"erase_probability": 1.0}, 1),
    ],
)
def test_each_strength_alone_changes_every_image(strength: dict[str, Any], channels: int) -> None:
    none = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    with seeded(0):
        view = Augmentation(**(OFF | none | strength))(images(8, channels))
    distance = (view - images(8, channels) / 255).abs().amax(dim=(1, 2, 3))
    assert (distance > 1e-3).all()


@pytest.mark.parametrize("name", ["flip", "gray", "blur", "solarize", "erase", "jitter"])
@pytest.mark.parametrize("probability", [0.2, 0.8])
def test_probabilities(name: str, probability: float) -> None:
    strength: dict[str, Any] = {f"{name}_probability": probability}
    recipe = replace(Recipe(image_size=32, hue=0.1), **strength)
    with seeded(0):
        drawn = draw(recipe, *alike(20_000, 32, 32))
    happened = {
        "flip": drawn.flip,
        "gray": drawn.gray,
        "blur": drawn.blur > 0,
        "solarize": drawn.solarize,
        "erase": drawn.erase[:, 2] > 0,
        "jitter": drawn.jitter[:, 3] != 0,
    }[name]
    assert float(happened.float().mean()) == pytest.approx(probability, abs=0.015)


def moments(boxes: Tensor) -> Tensor:
    """Top, left, height, width, their squares, and the area, of each box."""
    boxes = boxes.double()
    return torch.cat([boxes, boxes**2, boxes[:, 2:3] * boxes[:, 3:]], dim=1)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 20)])
def test_crops_are_distributed_as_torchvisions(height: int, width: int) -> None:
    count, area, ratio = 20_000, (0.08, 1.0), (3 / 4, 4 / 3)
    with seeded(0):
        ours = draw(Recipe(32, area, ratio), *alike(count, height, width)).crop
        image = torch.empty(1, height, width)
        theirs = torch.tensor([RandomResizedCrop.get_params(image, list(area), list(ratio)) for _ in range(count)])
    a, b = moments(ours), moments(theirs)
    error = ((a.var(0) + b.var(0)) / count).sqrt()
    assert ((a.mean(0) - b.mean(0)).abs() < 5 * error + 1e-9).all()
    inside = (ours[:, 0] + ours[:, 2] <= height) & (ours[:, 1] + ours[:, 3] <= width) & (ours[:, :2] >= 0).all(1)
    assert inside.all()


def test_crops_fall_back_to_the_largest_central_box() -> None:
    crop = draw(Recipe(8, crop_area=(1.0, 1.0), crop_ratio=(1.0, 1.0)), *alike(3, 10, 30)).crop
    assert crop.tolist() == [[0.0, 10.0, 10.0, 10.0]] * 3


def test_jitter_factors_have_the_range_and_moments_of_torchvisions() -> None:
    recipe = Recipe(32, brightness=0.4, contrast=1.5, saturation=0.2, hue=0.1, jitter_probability=1.0)
    with seeded(0):
        jitter = draw(recipe, *alike(50_000, 32, 32)).jitter
    bounds = torch.tensor([[0.6, 1.4], [0.0, 2.5], [0.8, 1.2], [-0.1, 0.1]])
    width = bounds[:, 1] - bounds[:, 0]
    assert (jitter >= bounds[:, 0] - 1e-6).all()
    assert (jitter <= bounds[:, 1] + 1e-6).all()
    assert ((jitter.mean(0) - bounds.mean(1)).abs() < 0.01 * width).all()
    assert ((jitter.std(0) - width / math.sqrt(12)).abs() < 0.01 * width).all()


def test_recipes_follow_the_size_and_the_kind_of_image() -> None:
    assert recipe_for(8) == tiny(8)
    assert recipe_for(96) == small(96)
    assert recipe_for(224) == large(224)
    assert tiny().flip_probability == recipe_for(28, mirror=False).flip_probability == 0
    with pytest.raises(ValueError, match="image_size: expected a positive number"):
        recipe_for(0)


def test_one_given_strength_changes_no_other() -> None:
    followed = Augmentation(hue=0.3).follow(small(32)).recipe(32)
    assert followed.hue == 0.3
    assert followed.crop_area == small().crop_area
    assert Augmentation(image_size=16).follow(small(32)).recipe(32).image_size == 16


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        ({"hue": 0.6}, "hue: expected a number between 0 and 0.5, got 0.6"),
        ({"flip_probability": 1.1}, "flip_probability: expected a number between 0 and 1, got 1.1"),
        ({"brightness": -0.1}, "brightness: expected a number of at least 0, got -0.1"),
        ({"crop_area": (0.5, 0.2)}, "crop_area: expected two positive numbers in ascending order"),
        ({"crop_area": (0.5, 1.2)}, "crop_area: expected shares of the area, at most 1"),
        ({"crop_ratio": (0.0, 1.0)}, "crop_ratio: expected two positive numbers"),
        ({"image_size": 0}, "image_size: expected a positive number"),
    ],
)
def test_strengths_out_of_range(strength: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Augmentation(**strength)
