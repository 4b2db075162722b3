"""Each colour operation equals torchvision's, image by image."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torchvision.transforms import functional as reference

from csl.data import color

Operation = Callable[[Tensor, float], Tensor]
OPERATIONS: list[Operation] = [
    reference.adjust_brightness,
    reference.adjust_contrast,
    reference.adjust_saturation,
    reference.adjust_hue,
]
FACTORS = torch.tensor([[0.6, 1.4, 0.2, -0.5], [1.4, 0.6, 1.8, 0.1], [1.0, 1.0, 1.0, 0.0], [0.0, 2.0, 0.0, 0.5]])


def images() -> Tensor:
    batch = torch.rand(4, 3, 9, 7, generator=torch.Generator().manual_seed(0))
    batch[0, :, 0] = 0.5  # grey pixels have no hue
    batch[1, 0, 1] = batch[1, 1, 1]  # two channels tie for the largest or the smallest
    batch[2, :, 2] = 0
    return batch


@pytest.mark.parametrize("index", range(4))
def test_each_operation(index: int) -> None:
    out = color.jitter(images(), FACTORS, [index])
    for image, changed, factor in zip(images(), out, FACTORS[:, index].tolist(), strict=True):
        torch.testing.assert_close(changed, OPERATIONS[index](image, factor), atol=2e-6, rtol=0)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_operations_in_any_order(order: tuple[int, ...]) -> None:
    out = color.jitter(images(), FACTORS, list(order))
    for image, changed, factors in zip(images(), out, FACTORS.tolist(), strict=True):
        for index in order:
            image = OPERATIONS[index](image, factors[index])
        torch.testing.assert_close(changed, image, atol=1e-5, rtol=0)


def test_gray_images_change_in_brightness_and_contrast_only() -> None:
    batch = images()[:, :1]
    out = color.jitter(batch, FACTORS, [2, 0, 3, 1])
    for image, changed, factors in zip(batch, out, FACTORS.tolist(), strict=True):
        image = reference.adjust_contrast(reference.adjust_brightness(image, factors[0]), factors[1])
        torch.testing.assert_close(changed, image)


def test_gray_and_solarize() -> None:
    torch.testing.assert_close(color.gray(images()), reference.rgb_to_grayscale(images(), 3))
    torch.testing.assert_close(color.solarize(images()), reference.solarize(images(), 0.5))
