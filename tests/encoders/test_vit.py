from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from csl.encoders import ViT
from csl.encoders.positions import resized_positions

SMALL: dict[str, Any] = {"image_size": 8, "patch_size": 4, "depth": 2, "heads": 2, "width": 16, "mlp_width": 24}


def _torchvision(dropout: float = 0.0) -> Any:
    options = {"image_size": 8, "patch_size": 4, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 24}
    model = torchvision.models.VisionTransformer(**options, dropout=dropout)
    model.heads = nn.Identity()
    return model


def test_torchvisions_weights_load_and_give_its_features() -> None:
    reference, encoder = _torchvision().eval(), ViT(**SMALL).eval()
    encoder.load_state_dict(reference.state_dict())
    images = torch.randn(3, 3, 8, 8)
    torch.testing.assert_close(encoder(images), reference(images))


def test_features_are_the_class_token_or_the_mean_over_patches() -> None:
    images = torch.rand(3, 3, 8, 8)
    poolings: Any = ("cls", "mean", "max")
    of_class, of_patches = (ViT(**SMALL, pooling=pooling).eval() for pooling in poolings[:2])
    of_patches.load_state_dict(of_class.state_dict())
    tokens = of_class.forward_tokens(images)
    torch.testing.assert_close(of_class(images), tokens[:, 0])
    torch.testing.assert_close(of_patches(images), tokens[:, 1:].mean(dim=1))
    with pytest.raises(ValueError, match="pooling: expected one of cls, mean, got 'max'"):
        ViT(**SMALL, pooling=poolings[2])


def test_papers_network() -> None:
    with torch.device("meta"):
        encoder = ViT()
    layers = [module for module in encoder.modules() if isinstance(module, nn.MultiheadAttention)]
    assert (len(layers), layers[0].num_heads, layers[0].embed_dim) == (16, 8, 512)
    assert encoder.encoder.pos_embedding.shape == (1, 65, 512)
    assert {m.p for m in encoder.modules() if isinstance(m, nn.Dropout)} == {0.2}
    assert (encoder.feature_dim, sum(p.numel() for p in encoder.parameters())) == (512, 42_101_248)


def test_dropout_acts_in_training_only() -> None:
    encoder = ViT(**SMALL, dropout=0.5)
    images = torch.randn(3, 3, 8, 8)
    assert not torch.equal(encoder(images), encoder(images))
    encoder.eval()
    torch.testing.assert_close(encoder(images), encoder(images), rtol=0, atol=0)


def test_own_positions_are_untouched_at_the_own_size() -> None:
    positions = torch.randn(1, 5, 6)
    assert resized_positions(positions, 2, 2) is positions


@pytest.mark.parametrize(("height", "width"), [(3, 3), (8, 8), (4, 7), (1, 2)])
def test_positions_are_interpolated_as_in_dino(height: int, width: int) -> None:
    positions = torch.randn(1, 1 + 16, 6, requires_grad=True)
    grid = positions[:, 1:].reshape(1, 4, 4, 6).permute(0, 3, 1, 2)
    expected = nn.functional.interpolate(grid, size=(height, width), mode="bicubic").permute(0, 2, 3, 1).flatten(1, 2)
    resized = resized_positions(positions, height, width)
    assert torch.equal(resized[:, :1], positions[:, :1])
    torch.testing.assert_close(resized[:, 1:], expected)
    (gradient,) = torch.autograd.grad(resized.square().sum(), positions)
    (expected_gradient,) = torch.autograd.grad((positions[:, :1].square().sum() + expected.square().sum()), positions)
    torch.testing.assert_close(gradient, expected_gradient)


def test_positions_are_interpolated_in_full_precision() -> None:
    positions = torch.randn(1, 1 + 16, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        resized = resized_positions(positions, 8, 8)
    assert torch.equal(resized, resized_positions(positions, 8, 8))


@pytest.mark.parametrize(("height", "width", "grid"), [(8, 16, (2, 4)), (5, 4, (1, 1)), (15, 13, (3, 3))])
def test_other_image_sizes(height: int, width: int, grid: tuple[int, int]) -> None:
    encoder = ViT(**SMALL).eval()
    images = torch.rand(3, 3, height, width)
    whole = images[:, :, : 4 * grid[0], : 4 * grid[1]]
    assert encoder.maps(images).shape == (3, 16, *grid)
    assert torch.equal(encoder(images), encoder(whole))  # the edge that fills no patch is left out


def test_an_image_smaller_than_a_patch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"images: expected at least 4 by 4 pixels for ViT, got 3 by 16"):
        ViT(**SMALL)(torch.zeros(2, 3, 3, 16))


def test_what_it_is_made_for_and_what_it_takes() -> None:
    encoder = ViT(**SMALL)
    assert (encoder.native_size, encoder.image_size, encoder.smallest_size, encoder.prefix_tokens) == (8, None, 4, 1)


def test_tokens_are_the_class_token_and_the_maps() -> None:
    encoder, images = ViT(**SMALL).eval(), torch.rand(3, 3, 8, 12)
    tokens, maps = encoder.tokens(images), encoder.maps(images)
    assert torch.equal(tokens[:, 0], encoder(images))
    assert torch.equal(tokens[:, 1:].transpose(1, 2).reshape(3, 16, 2, 3), maps)


def test_maps_lie_where_their_patches_do() -> None:
    encoder, images = ViT(**SMALL).eval(), torch.zeros(1, 3, 8, 8)
    nn.init.zeros_(encoder.encoder.pos_embedding)
    images[:, :, :4, 4:] = 1.0  # the upper right patch
    maps = encoder.maps(images)[0]
    torch.testing.assert_close(maps[:, 0, 0], maps[:, 1, 1])
    assert not torch.allclose(maps[:, 0, 1], maps[:, 0, 0], atol=1e-3)


def test_all_patches_kept_are_all_tokens() -> None:
    encoder, images = ViT(**SMALL).eval(), torch.rand(2, 3, 8, 8)
    everything = torch.arange(4).repeat(2, 1)
    assert torch.equal(encoder.tokens(images, keep=everything), encoder.tokens(images))
    torch.testing.assert_close(
        encoder.tokens(images, keep=everything.flip(1))[:, 1:].flip(1), encoder.tokens(images)[:, 1:]
    )


def test_kept_patches_do_not_see_the_others_and_know_their_positions() -> None:
    encoder, images, keep = ViT(**SMALL).eval(), torch.rand(2, 3, 8, 8), torch.tensor([[0, 3], [2, 1]])
    tokens = encoder.tokens(images, keep=keep)
    assert tokens.shape == (2, 3, 16)
    changed = images.clone()
    changed[0, :, :4, 4:] = changed[0, :, 4:, :4] = 0.0  # patches 1 and 2 of the first image
    assert torch.equal(encoder.tokens(changed, keep=keep)[0], tokens[0])
    patches = encoder.conv_proj(images).flatten(2).transpose(1, 2) + encoder.encoder.pos_embedding[:, 1:]
    start = (encoder.class_token + encoder.encoder.pos_embedding[:, :1]).expand(2, -1, -1)
    kept = torch.stack([patches[0, [0, 3]], patches[1, [2, 1]]])
    expected = encoder.encoder.ln(encoder.encoder.layers(torch.cat([start, kept], dim=1)))
    torch.testing.assert_close(tokens, expected)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (torch.zeros(2, 1), "keep: expected positions of patches, torch.int64, got torch.float32"),
        (torch.zeros(3, 1).long(), r"keep: expected positions of shape \[2, M\], got \[3, 1\]"),
        (torch.zeros(2).long(), r"keep: expected positions of shape \[2, M\], got \[2\]"),
    ],
)
def test_wrong_positions_are_named(keep: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ViT(**SMALL).tokens(torch.zeros(2, 3, 8, 8), keep=keep)


def test_layers_are_averaged_over_patches() -> None:
    encoder = ViT(**SMALL, layers=["encoder.layers.encoder_layer_0", "encoder.ln"]).eval()
    images = torch.rand(2, 3, 8, 8)
    outputs = encoder.outputs(images)
    torch.testing.assert_close(outputs["encoder.ln"], encoder.maps(images).mean(dim=(2, 3)))
    assert outputs["encoder.layers.encoder_layer_0"].shape == (2, 16)


def test_the_features_name_is_no_layer() -> None:
    with pytest.raises(ValueError, match="layers: expected other names than 'encoder', which are the features"):
        ViT(**SMALL, layers=["encoder"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patch_size": 3}, "patch_size: expected a divisor of image_size=8, got 3"),
        ({"heads": 3}, "heads: expected a divisor of width=16, got 3"),
        ({"dropout": 1.0}, r"dropout: expected a share from 0 to below 1, got 1.0"),
        ({"depth": 0}, "depth: expected a positive number, got 0"),
        ({"width": -4}, "width: expected a positive number, got -4"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ViT(**{**SMALL, **options})
