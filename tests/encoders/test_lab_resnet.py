import pytest
import torch

from csl.encoders import LabResNet
from csl.encoders.lab import rgb_to_lab
from tests.encoders.every import images

# Of sRGB primaries, white and a grey, under D65.
KNOWN = {
    (1.0, 1.0, 1.0): (100.0, 0.0, 0.0),
    (0.0, 0.0, 0.0): (0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0): (53.24, 80.09, 67.20),
    (0.0, 1.0, 0.0): (87.73, -86.18, 83.18),
    (0.0, 0.0, 1.0): (32.30, 79.19, -107.86),
    (0.5, 0.5, 0.5): (53.39, 0.0, 0.0),
}


@pytest.mark.parametrize("color", KNOWN)
def test_colours_are_where_colorimetry_has_them(color: tuple[float, float, float]) -> None:
    found = rgb_to_lab(torch.tensor(color).view(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(found, torch.tensor(KNOWN[color]), rtol=0, atol=0.02)


def small(**options: object) -> LabResNet:
    torch.manual_seed(0)
    return LabResNet(depth=10, width=4, **options).eval()  # type: ignore[arg-type]


def test_one_network_sees_lightness_and_the_other_colour() -> None:
    encoder, batch = small(), images()
    lab = rgb_to_lab(batch)
    features, half = encoder(batch), encoder.parts[0]
    torch.testing.assert_close(features[:, :half], encoder.lightness(lab[:, :1] / 50 - 1).mean(dim=(2, 3)))
    torch.testing.assert_close(features[:, half:], encoder.color(lab[:, 1:] / 100).mean(dim=(2, 3)))


def test_colours_are_those_of_the_image_whatever_the_window() -> None:
    plain, windowed = small(), small(mean=[0.4, 0.5, 0.6], std=[0.2, 0.3, 0.25])
    torch.testing.assert_close(windowed(images()), plain(images()))


def test_a_grey_image_has_no_colours() -> None:
    encoder = small(in_channels=1)
    of_color = encoder(images(1))[:, encoder.parts[0] :]
    torch.testing.assert_close(of_color, encoder.color(torch.zeros(3, 2, 8, 8)).mean(dim=(2, 3)))


def test_two_channels_are_an_error() -> None:
    with pytest.raises(ValueError, match="in_channels: expected 3, or 1 for grey images, got 2"):
        LabResNet(in_channels=2)
