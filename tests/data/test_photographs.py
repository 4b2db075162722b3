"""Images of other shapes than squares, and larger than the views: crops come from all of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import RandomResizedCrop

from csl.data import Augmentation, Folder, ImageDataModule
from csl.data.canvas import on_canvas
from csl.data.decode import decode, decode_whole
from csl.data.images import EncodedImages
from csl.data.recipes import Recipe
from csl.randomness import seeded
from tests.data.toy import EncodedBytes, Looker, png, trainer

SHAPES = [(40, 60), (60, 40), (50, 50), (30, 90)]  # height, width


def photograph(height: int, width: int) -> np.ndarray:
    """Red tells the column and green the row, both as shares of 255."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([255 * columns / (width - 1), 255 * rows / (height - 1), 0 * rows], axis=2).round().astype(np.uint8)


def photographs(count: int = 8, size: int = 1000) -> EncodedImages:
    files = [png(photograph(*SHAPES[row % 4])) for row in range(count)]
    return EncodedImages(EncodedBytes(files), torch.arange(count), torch.arange(count) % 2, 3, size)


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [((40, 60), 100, (40, 60)), ((40, 60), 20, (20, 30)), ((60, 40), 20, (30, 20)), ((30, 90), 100, (30, 60))],
)
def test_an_image_is_decoded_whole_and_no_larger_than_it_is(
    shape: tuple[int, int], size: int, expected: tuple[int, int]
) -> None:
    whole = decode_whole(png(photograph(*shape)), "x", size)
    assert whole.shape == (3, *expected)
    if shape == expected:
        assert (whole.permute(1, 2, 0).numpy() == photograph(*shape)).all()
    middle = whole[:2].float().mean(dim=(1, 2))
    torch.testing.assert_close(middle, torch.tensor([127.5, 127.5]), atol=1.0, rtol=0)


def test_a_photograph_is_upright_before_it_is_measured() -> None:
    image = Image.fromarray(photograph(40, 60))
    exif = image.getexif()
    exif[0x0112] = 6  # a quarter turn
    import io

    buffer = io.BytesIO()
    image.save(buffer, "PNG", exif=exif)
    assert decode_whole(buffer.getvalue(), "x", 100).shape == (3, 60, 40)


def test_a_batch_holds_each_image_in_the_upper_left_of_its_place() -> None:
    images, labels, index, sizes = photographs(4).__getitems__([2, 0, 1])
    assert images.shape == (3, 3, 60, 60)
    assert sizes is not None
    assert sizes.tolist() == [[50, 50], [40, 60], [60, 40]]
    assert labels.tolist() == [0, 0, 1]
    assert index.tolist() == [2, 0, 1]
    assert (images[1, :, :40].permute(1, 2, 0).numpy() == photograph(40, 60)).all()
    assert not images[1, :, 40:].any()


def test_images_of_one_size_have_no_sizes() -> None:
    images, sizes = on_canvas([torch.ones(3, 4, 6), torch.zeros(3, 4, 6)])
    assert images.shape == (2, 3, 4, 6)
    assert sizes is None


def crop(area: tuple[float, float] = (0.2, 1.0)) -> Augmentation:
    return Augmentation(16, crop_area=area).follow(Recipe(16, area))


def test_crops_of_a_batch_are_those_of_the_images_alone() -> None:
    images, _, _, sizes = photographs(4).__getitems__(range(4))
    with seeded(1):
        together = crop()(images, sizes=sizes)
    for rank in range(4):
        with seeded(1):  # the same numbers, which are drawn for all four
            alone = crop()(decode_whole(png(photograph(*SHAPES[rank])), "x", 1000)[None], rank, 4)
        torch.testing.assert_close(together[rank], alone[0])


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_crops_reach_the_ends_of_a_photograph_as_torchvisions_do(shape: tuple[int, int]) -> None:
    count = 2000
    images = torch.from_numpy(photograph(*shape)).permute(2, 0, 1).expand(count, 3, *shape)
    views = crop()(images)
    torchvision_crop = RandomResizedCrop(16, (0.2, 1.0), antialias=True)
    torch.manual_seed(0)
    theirs = torch.stack([torchvision_crop(image) for image in images[:, :2].float() / 255])

    def moments(found: Tensor) -> Tensor:
        centres = found[:, :2].mean(dim=(2, 3))
        return torch.stack([centres.mean(0), centres.std(0)])

    torch.testing.assert_close(moments(views), moments(theirs), atol=0.01, rtol=0)
    # In the central square of 40 pixels of 60, red runs from 0.17 to 0.83.
    longer = 0 if shape[1] > shape[0] else 1
    assert float(views[:, longer].min()) < 0.02
    assert float(views[:, longer].max()) > 0.98


def test_the_plain_view_is_the_central_square_of_each_image() -> None:
    encoded = photographs(4)
    images, _, _, sizes = encoded.__getitems__(range(4))
    data = module_of(encoded, image_size=64)
    for position, shape in enumerate(SHAPES):
        square = decode(png(photograph(*shape)), "x", min(shape))[None]
        torch.testing.assert_close(data.plain(images, sizes)[position], data.plain(square)[0], atol=1e-5, rtol=0)


def module_of(images: EncodedImages, **options: Any) -> ImageDataModule:
    from csl.data import ImageSource, ImageSplits

    class Photographs(ImageSource):
        def __init__(self) -> None:
            super().__init__(["a", "b"], num_channels=3, native_size=40)

        def load(self) -> ImageSplits:
            return ImageSplits(images, images, images.select(torch.arange(4)))

    return ImageDataModule(Photographs(), **{"batch_size": 4, "num_workers": 1, **options})


def test_memory_and_workers_give_the_same_views_and_the_same_measurements() -> None:
    seen = []
    for budget in (4.0, 0.0):
        method, data = Looker(), module_of(photographs(), image_size=16, memory_budget=budget)
        trainer(max_epochs=1, num_sanity_val_steps=0).fit(method, data)
        seen.append((method.seen, [batch.views[0] for batch in method.evaluated[1]]))
    assert seen[0][0] == seen[1][0]
    assert torch.equal(torch.cat(seen[0][1]), torch.cat(seen[1][1]))


def test_large_photographs_are_kept_at_twice_the_size_of_the_views(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for row in range(8):
        folder = tmp_path / "ab"[row % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(photograph(80, 120)).save(folder / f"{row}.png")
    data = ImageDataModule(Folder(tmp_path, holdout=0.25), batch_size=4, image_size=16)
    with caplog.at_level("INFO"):
        data.setup("fit")
    assert next(iter(data.train_dataloader())).images.shape == (4, 3, 32, 48)
    megabytes = 8 * 3 * 32 * 48 / 1e6
    assert f"images are held in memory: about {megabytes:.2g} MB with shorter sides of up to 32 pixels" in caplog.text
    assert sum(images.num_bytes() for images in (data.splits.train.resized(32), data.splits.val.resized(32))) == (  # type: ignore[attr-defined]
        pytest.approx(1e9 * 8 * 3 * 32 * 48 / 1e9)
    )
