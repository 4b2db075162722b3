"""Each geometric operation equals torchvision's, image by image."""

import pytest
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as reference

from csl.data import geometry


def images(count: int = 6, channels: int = 3, height: int = 32, width: int = 32) -> Tensor:
    return torch.rand(count, channels, height, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("height", "width", "size"), [(32, 32, 32), (40, 28, 16), (20, 30, 48)])
def test_resample_equals_a_crop_a_resize_and_a_mirror(height: int, width: int, size: int) -> None:
    batch = images(height=height, width=width)
    boxes = torch.tensor(
        [[0, 0, height, width], [3, 5, 9, 14], [1, 2, 1, 1], [0, 0, 1, width], [7, 0, 6, 20], [9, 9, 5, 5]]
    )
    flip = torch.tensor([False, True, False, True, True, False])
    out = geometry.resample(batch, boxes.float(), size, flip)
    for i, (top, left, high, wide) in enumerate(boxes.tolist()):
        expected = reference.resized_crop(batch[i], top, left, high, wide, [size, size], antialias=True)
        expected = reference.hflip(expected) if flip[i] else expected
        torch.testing.assert_close(out[i], expected, atol=1e-5, rtol=0)


def test_resample_of_a_box_between_pixels_keeps_a_constant() -> None:
    boxes = torch.tensor([[0.5, 0.5, 1.0, 1.0], [2.25, 3.75, 6.5, 6.5]])
    out = geometry.resample(torch.full((2, 1, 10, 10), 0.7), boxes, 4)
    torch.testing.assert_close(out, torch.full((2, 1, 4, 4), 0.7))


@pytest.mark.parametrize(
    ("angle", "shear", "right", "down", "scale"),
    [(0, 0, 0, 0, 1), (30, 0, 0, 0, 1), (0, 20, 0, 0, 1), (0, 0, 3, -2, 1), (0, 0, 0, 0, 1.3), (-25, 10, 2, 4, 0.8)],
)
def test_affine_equals_torchvisions(angle: float, shear: float, right: int, down: int, scale: float) -> None:
    batch = images(2, 1, 16, 16)
    parameters = torch.tensor([[angle, shear, right / 16, down / 16, scale]] * 2)
    expected = reference.affine(
        batch, angle, [right, down], scale, [shear, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    torch.testing.assert_close(geometry.affine(batch, parameters), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("size", "kernel"), [(32, 5), (100, 11), (8, 3)])
def test_blur_equals_torchvisions(size: int, kernel: int) -> None:
    batch, sigma = images(3, height=size, width=size), torch.tensor([0.1, 0.9, 2.0])
    out = geometry.blur(batch, sigma)
    for image, blurred, deviation in zip(batch, out, sigma.tolist(), strict=True):
        torch.testing.assert_close(blurred, reference.gaussian_blur(image, [kernel, kernel], [deviation] * 2))


def test_erase_blacks_out_the_box_and_nothing_else() -> None:
    out = geometry.erase(torch.ones(2, 3, 8, 8), torch.tensor([[0.25, 0.5, 0.5, 0.25], [0.3, 0.3, 0.0, 0.0]]))
    expected = torch.ones(2, 3, 8, 8)
    expected[0, :, 2:6, 4:6] = 0
    assert torch.equal(out, expected)
