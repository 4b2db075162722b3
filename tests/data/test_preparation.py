"""Images that are cut and resized as a network's own evaluation does it."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from csl.data import ImageDataModule
from csl.data.decode import decode, decode_prepared
from csl.data.images import EncodedImages
from csl.data.preparation import prepared
from csl.encoders import ConvNet
from csl.methods import Frozen, Method, SimCLR
from csl.types import Preparation
from tests.data.toy import EncodedBytes, ToySource, png

SIZE = 24
CASES = [
    Preparation(0.875, "bicubic"),
    Preparation(0.9, "bilinear"),
    Preparation(1.0, "lanczos"),
    Preparation(0.95, "bicubic", squash=True),
]


def pixels(height: int, width: int) -> np.ndarray:
    """Smooth noise, so that interpolations differ."""
    noise = np.random.default_rng(0).integers(0, 256, (height // 3, width // 3, 3), dtype=np.uint8)
    return np.array(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


def timms(preparation: Preparation) -> Any:
    data = pytest.importorskip("timm.data")
    return data.create_transform(
        input_size=(3, SIZE, SIZE),
        crop_pct=preparation.crop,
        interpolation=preparation.interpolation,
        crop_mode="squash" if preparation.squash else "center",
        mean=(0, 0, 0),
        std=(1, 1, 1),
    )


@pytest.mark.parametrize("preparation", CASES, ids=str)
@pytest.mark.parametrize(("height", "width"), [(90, 90), (60, 91), (101, 75)])
def test_an_image_file_becomes_what_timms_own_transform_gives(
    preparation: Preparation, height: int, width: int
) -> None:
    image = pixels(height, width)
    found = decode_prepared(png(image), "an image", SIZE, preparation) / 255
    torch.testing.assert_close(found, timms(preparation)(Image.fromarray(image)))


# Pillow rounds to 8 bits after each of its two passes; torch has no lanczos.
@pytest.mark.parametrize(("preparation", "limit"), [*zip(CASES, [3, 2, 30, 3], strict=True)], ids=str)
@pytest.mark.parametrize("side", [16, 90])
def test_images_in_memory_come_near(preparation: Preparation, limit: int, side: int) -> None:
    image = pixels(side, side)
    found = prepared(torch.from_numpy(image).permute(2, 0, 1)[None] / 255, SIZE, preparation)[0]
    torch.testing.assert_close(found, timms(preparation)(Image.fromarray(image)), atol=limit / 255, rtol=0)


def test_a_photograph_is_decoded_in_full_not_at_a_smaller_scale() -> None:
    buffer = io.BytesIO()
    Image.fromarray(pixels(240, 240)).save(buffer, "JPEG")
    expected = np.array(Image.open(buffer).resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    found = decode_prepared(buffer.getvalue(), "a photograph", SIZE, Preparation(1.0, "bicubic"))
    assert np.array_equal(found.permute(1, 2, 0).numpy(), expected)


class _Trainer:
    """As much of a trainer as a data module asks."""

    global_rank, world_size, training, precision = 0, 1, False, "32-true"

    def __init__(self, module: Method) -> None:
        self.lightning_module = module


def view(method: Method, preparation: Preparation | None, images: Tensor) -> Tensor:
    method.encoder.preparation = preparation
    data = ImageDataModule(ToySource(), image_size=SIZE)
    data.trainer = _Trainer(method)  # type: ignore[assignment]
    return data.plain(images)


def test_only_a_method_that_trains_nothing_is_given_them() -> None:
    images = torch.from_numpy(pixels(64, 64)).permute(2, 0, 1)[None]
    way = Preparation(0.5, "bicubic")
    usual = view(Frozen(ConvNet(width=2)), None, images)
    assert torch.equal(view(Frozen(ConvNet(width=2)), way, images), prepared(images / 255, SIZE, way))
    assert torch.equal(view(SimCLR(ConvNet(width=2), 16, 8), way, images), usual)
    assert not torch.equal(prepared(images / 255, SIZE, way), usual)


def test_a_set_keeps_its_way_where_some_of_it_is_chosen() -> None:
    files = [png(pixels(60, 91)), png(pixels(90, 60))]
    images = EncodedImages(EncodedBytes(files), torch.arange(2), torch.zeros(2).long(), 3)
    chosen = images.resized(SIZE, CASES[3]).select(torch.tensor([1]))
    assert torch.equal(chosen.images(torch.tensor([0]))[0], decode_prepared(files[1], "", SIZE, CASES[3]))
    assert not torch.equal(chosen.images(torch.tensor([0]))[0], decode(files[1], "", SIZE))
