"""Views are distributed as torchvision's are: the same moments of the pixels over many draws of both."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torchvision import transforms

from csl.data import Augmentation
from csl.data.recipes import Recipe
from csl.randomness import seeded

COUNT, BATCH, SIZE = 2000, 10, 8  # the order of colour operations is drawn once a batch, so batches are small
AREA, RATIO = (0.08, 1.0), (3 / 4, 4 / 3)

CROP = transforms.RandomResizedCrop(SIZE, AREA, RATIO, antialias=True)
SMALL = {"crop_area": AREA, "flip_probability": 0.5, "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1}
CASES: dict[str, tuple[dict[str, Any], Callable[[Tensor], Tensor]]] = {
    "crop": ({"crop_area": AREA}, CROP),
    "flip": ({"flip_probability": 0.5}, transforms.RandomHorizontalFlip()),
    "brightness": ({"brightness": 0.4}, transforms.ColorJitter(brightness=0.4)),
    "contrast": ({"contrast": 0.4}, transforms.ColorJitter(contrast=0.4)),
    "saturation": ({"saturation": 0.4}, transforms.ColorJitter(saturation=0.4)),
    "hue": ({"hue": 0.1}, transforms.ColorJitter(hue=0.1)),
    "gray": ({"gray_probability": 0.2}, transforms.RandomGrayscale(0.2)),
    "all": (
        SMALL | {"jitter_probability": 0.8, "gray_probability": 0.2},
        transforms.Compose(
            [
                CROP,
                transforms.RandomHorizontalFlip(),
                transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.4, 0.1)], 0.8),
                transforms.RandomGrayscale(0.2),
            ]
        ),
    ),
}


def image() -> Tensor:
    """A colourful picture without symmetry `[3, 8, 8]`."""
    return torch.rand(3, SIZE, SIZE, generator=torch.Generator().manual_seed(3)) * 0.6 + 0.1


def moments(views: Tensor, centre: Tensor) -> Tensor:
    """What is compared: pixels, and squares and products of colours, both about a common centre `[N, M]`."""
    views = views.double()
    red, green, blue = (views - centre).unbind(1)
    products = torch.stack([red * red, green * green, blue * blue, red * green, green * blue, blue * red], dim=1)
    return torch.cat([views, products], dim=1).flatten(1)


def worst_deviation(ours: Tensor, theirs: Tensor) -> float:
    """The largest difference of two means, in its standard errors."""
    centre = torch.cat([ours, theirs]).double().mean(0)
    a, b = moments(ours, centre), moments(theirs, centre)
    error = ((a.var(0) + b.var(0)) / len(a)).sqrt()
    return float(((a.mean(0) - b.mean(0)).abs() / (error + 1e-7)).max())


def our_views(recipe: Recipe) -> Tensor:
    augmentation = Augmentation().follow(recipe)
    with seeded("ours"):
        return torch.cat([augmentation(image().expand(BATCH, -1, -1, -1)) for _ in range(COUNT // BATCH)])


@pytest.mark.parametrize("name", CASES)
def test_moments_of_the_pixels(name: str) -> None:
    strengths, reference = CASES[name]
    with seeded("theirs"):
        theirs = torch.stack([reference(image()) for _ in range(COUNT)])
    ours = our_views(Recipe(SIZE, **({"jitter_probability": 1.0} | strengths)))
    # 576 numbers of which one in a million is beyond 5 by chance.
    assert worst_deviation(ours, theirs) < 5


def test_the_comparison_sees_a_strength_that_is_a_little_off() -> None:
    reference = transforms.ColorJitter(brightness=0.4)
    with seeded("theirs"):
        theirs = torch.stack([reference(image()) for _ in range(COUNT)])
    assert worst_deviation(our_views(Recipe(SIZE, brightness=0.45, jitter_probability=1.0)), theirs) > 5


@pytest.mark.parametrize("name", CASES)
def test_draws_differ_within_a_batch(name: str) -> None:
    strengths, _ = CASES[name]
    views = our_views(Recipe(SIZE, **({"jitter_probability": 1.0} | strengths)))[:BATCH]
    assert len(torch.unique(views.flatten(1), dim=0)) > (1 if name in ("flip", "gray") else BATCH - 2)
