from typing import Any

import pytest
import torch
from lightning.pytorch import Callback

from csl.encoders import ConvNet, ViT
from csl.methods import MAE
from csl.methods.loaded import as_batch
from csl.methods.mae import _cut
from tests.methods.toy import ONE, ToyData, small_vit, toy_batch, toy_method, toy_trainer


def _reference(method: Any, images: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Image by image, with the decoder's tokens brought back to the order of the grid."""
    errors = []
    for image, places in zip(images, order.tolist(), strict=True):
        seen, hidden = places[:1], places[1:]
        tokens = method.embedding(method.encoder.tokens(image[None], torch.tensor([seen]))[0])
        grid = [method.mask_token + method.positions[place] for place in range(4)]
        grid[seen[0]] = tokens[1] + method.positions[seen[0]]
        decoded = method.decoder(torch.stack([tokens[0], *grid])[None])[0, 1:]
        for place in hidden:
            top, left = place // 2 * 4, place % 2 * 4
            patch = image[:, top : top + 4, left : left + 4].flatten()
            target = (patch - patch.mean()) / (patch.var() + 1e-6).sqrt()
            errors.append((decoded[place] - target).square().mean())
    return torch.stack(errors).mean()


def test_loss_and_gradients_are_the_papers() -> None:
    method: Any = toy_method("MAE").double()
    batch = toy_batch([7, 2, 31], ONE)
    images = batch.views[0].double()
    order = _order_of(method, batch)
    loss, expected = method.training_loss(batch._replace(views=(images,))), _reference(method, images, order)
    torch.testing.assert_close(loss, expected, rtol=1e-9, atol=0)
    parameters = list(method.parameters())
    grads = [torch.autograd.grad(value, parameters) for value in (loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


def _order_of(method: Any, batch: Any) -> torch.Tensor:
    """The patches that the encoder is given, and then the others, as it was called."""
    given: list[torch.Tensor] = []
    original = method.encoder.tokens

    def tokens(images: torch.Tensor, keep: torch.Tensor) -> Any:
        given.append(keep)
        return original(images, keep)

    method.encoder.tokens = tokens
    method.training_loss(batch._replace(views=(batch.views[0].double(),)))
    del method.encoder.tokens
    rest = [[place for place in range(4) if place not in row] for row in given[0].tolist()]
    return torch.cat([given[0], torch.tensor(rest)], dim=1)


class _Masks(Callback):
    """The patches that are seen of image 0 in each epoch."""

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        self.seen: list[int] = []
        original = module.encoder.tokens

        def tokens(images: Any, keep: Any) -> Any:
            self.seen.append(int(keep[0, 0]))
            return original(images, keep)

        module.encoder.tokens = tokens


def test_every_step_hides_other_patches() -> None:
    masks, method = _Masks(), toy_method("MAE")
    toy_trainer(max_epochs=10, callbacks=[masks]).fit(method, datamodule=ToyData(method.views, count=8))
    assert set(masks.seen) == {0, 1, 2, 3}


def test_images_whose_numbers_nobody_knows_have_masks_of_their_own() -> None:
    method: Any = toy_method("MAE")
    index = as_batch((torch.rand(64, 3, 8, 8), torch.zeros(64, dtype=torch.int64))).index
    seen, original = [], method.encoder.tokens

    def tokens(images: Any, keep: Any) -> Any:
        seen.extend(keep[:, 0].tolist())
        return original(images, keep)

    method.encoder.tokens = tokens
    method.training_loss(toy_batch(list(range(64)), ONE)._replace(index=index))
    assert set(seen) == {0, 1, 2, 3}


@pytest.mark.parametrize("size", [4, 16])
def test_images_of_another_size_are_refused(size: int) -> None:
    method: Any = toy_method("MAE")
    batch = toy_batch([0, 1], ONE)._replace(views=(torch.rand(2, 3, size, size),))
    with pytest.raises(
        ValueError, match=f"expected images of 8 by 8 pixels, .*, got {size} by {size}; set --data.image_size 8"
    ):
        method.training_loss(batch)


def test_patches_are_cut_row_by_row_and_what_fills_none_is_left_out() -> None:
    image = torch.arange(2 * 7 * 7.0).view(1, 2, 7, 7)
    found = _cut(image, 2)
    assert found.shape == (1, 4, 18)
    torch.testing.assert_close(found[0, 1], image[0, :, :3, 3:6].flatten())
    torch.testing.assert_close(found[0, 2], image[0, :, 3:6, :3].flatten())


@pytest.mark.parametrize(("ratio", "visible"), [(0.75, 16), (0.999, 1), (0.001, 63)])
def test_at_least_one_patch_is_seen_and_one_is_hidden(ratio: float, visible: int) -> None:
    vit = ViT(image_size=32, patch_size=4, depth=1, heads=2, width=16, mlp_width=16)
    assert MAE(vit, mask_ratio=ratio, hidden_dim=16).visible == visible
    assert vit.training


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (small_vit(), {"mask_ratio": 1.0}, "mask_ratio: expected a number above 0 and below 1, got 1.0"),
        (small_vit(), {"hidden_dim": 12}, "hidden_dim: expected a multiple of 8, got 12"),
        (small_vit(), {"decoder_depth": 0}, "decoder_depth: expected a positive number, got 0"),
        (ConvNet(width=2), {}, "encoder: expected one for images of one size, such as ViT, got ConvNet"),
        (ViT(4, 4, 1, 2, 16, 16), {}, "encoder: expected at least 2 patches in an image of 4 pixels, got 1"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MAE(encoder, **options)
