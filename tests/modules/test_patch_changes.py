import torch

from csl.modules import DRAWS, changed_patches
from csl.randomness import noise_of


def _patches(channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return 0.4 + 0.2 * torch.rand(5, 3, 2, channels, 4, 4, generator=generator, dtype=torch.float64)


def _noise() -> torch.Tensor:
    return noise_of(torch.arange(5), DRAWS * 6, "patches")


def test_each_patch_is_changed_as_its_own_numbers_say() -> None:
    patches, draws = _patches(), _noise().view(5, 3, 2, DRAWS)
    found = changed_patches(patches, _noise(), jitter=0.3, color_drop=0.5)
    kept = 0
    for image, row, column in torch.cartesian_prod(*map(torch.arange, (5, 3, 2))).tolist():
        patch, (contrast, brightness, chosen, color) = patches[image, row, column], draws[image, row, column]
        if chosen / 2**32 < 0.5:
            patch = patch[color % 3].expand(3, 4, 4)
            kept += 1
        mean, factor, shift = patch.mean(), 0.7 + 0.6 * contrast / 2**32, 0.7 + 0.6 * brightness / 2**32
        expected = (factor * (patch - mean) + shift * mean).clamp(0, 1)
        torch.testing.assert_close(found[image, row, column], expected, rtol=1e-6, atol=1e-6)
    assert 5 < kept < 25


def test_grey_patches_keep_their_only_colour() -> None:
    patches = _patches(1)
    torch.testing.assert_close(changed_patches(patches, _noise(), jitter=0.0, color_drop=1.0), patches)


def test_images_stay_in_their_range_and_type() -> None:
    found = changed_patches(_patches().float() * 1.6, _noise(), jitter=1.0, color_drop=0.0)
    assert found.dtype == torch.float32
    assert found.min() == 0
    assert found.max() == 1
