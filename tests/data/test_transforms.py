"""Views drawn by torchvision's transforms."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms import v2

from csl.callbacks import HeldOutLoss, standard
from csl.data import Augmentation, Digits, ImageDataModule
from csl.encoders import ConvNet
from csl.methods import SimCLR
from csl.types import Batch, View
from tests.commands.runs import SMALL, csl
from tests.data.test_photographs import module_of, photographs
from tests.data.test_resume import KillAfterBatch, Killed
from tests.data.toy import Looker, module, trainer

CROP = v2.Compose([v2.RandomResizedCrop(8, antialias=True), v2.RandomHorizontalFlip(), v2.ToImage()])

FLOATS = v2.ToDtype(torch.float32, scale=True)


class Shapes(Looker):
    """Notes the height of every view."""

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        self.shapes = [*getattr(self, "shapes", []), [view.shape[-1] for view in batch.views]]
        return super().training_step(batch, batch_idx)


def seen(**options: Any) -> list[Any]:
    method = Looker(options.pop("views", (View(2),)))
    epochs = options.pop("max_epochs", 2)
    trainer(max_epochs=epochs, num_sanity_val_steps=0).fit(method, module(**options))
    return method.seen


def test_each_view_is_drawn_anew_in_every_epoch_and_alike_by_any_number_of_workers() -> None:
    first = seen(augmentation=CROP, num_workers=0)
    assert [epoch for epoch, _, _ in first] == [0, 0, 0, 1, 1, 1]
    assert len({checksum for _, _, checksum in first}) == 6
    assert first == seen(augmentation=CROP, num_workers=2)
    assert first == seen(augmentation=CROP, num_workers=1, encoded=True, memory_budget=0.0)


def test_a_view_is_the_transform_of_the_whole_image() -> None:
    given: list[Image.Image] = []

    def keep(image: Image.Image) -> Image.Image:
        given.append(image)
        return image.resize((8, 8))

    data = module_of(photographs(4), image_size=8, augmentation=keep, num_workers=0)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert sorted(image.size for image in given[::2]) == [(40, 60), (50, 50), (60, 40), (90, 30)]
    assert [view.shape for view in batch.views] == [(4, 3, 8, 8)] * 2
    assert sorted(batch.index.tolist()) == [0, 1, 2, 3]


def test_the_views_of_a_group_share_a_transform() -> None:
    large, small = v2.RandomResizedCrop(8), v2.RandomResizedCrop(4)
    data = module(augmentation=[large, small], num_workers=0)
    trainer(max_epochs=1, limit_val_batches=0).fit(looker := Shapes((View(2), View(1, scale=0.5))), data)
    assert looker.shapes[0] == [8, 8, 4]


def test_a_resumed_run_sees_what_an_uninterrupted_one_sees(tmp_path: Path) -> None:
    whole = Looker()
    trainer(max_epochs=2, limit_val_batches=0).fit(whole, module(augmentation=CROP, num_workers=0))
    dying = trainer(KillAfterBatch(4, tmp_path / "a.ckpt"), max_epochs=2, limit_val_batches=0)
    with pytest.raises(Killed):
        dying.fit(Looker(), module(augmentation=CROP, num_workers=1))
    rest = Looker()
    options: dict[str, Any] = {"ckpt_path": tmp_path / "a.ckpt", "weights_only": False}
    trainer(max_epochs=2, limit_val_batches=0).fit(rest, module(augmentation=CROP, num_workers=1), **options)
    assert rest.seen == whole.seen[4:]


def test_a_message_says_once_that_this_is_slow(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        seen(augmentation=CROP, num_workers=0)
    assert caplog.text.count("transforms that are not csl's draw the views image by image") == 1


def test_the_loss_of_held_out_images_is_measured_in_their_views_too() -> None:
    values = []
    for _ in range(2):
        torch.manual_seed(0)
        callbacks = [one for one in standard([HeldOutLoss()]) if "Run" not in type(one).__name__]
        callbacks = [one for one in callbacks if "Weights" not in type(one).__name__]
        run = trainer(*callbacks, max_epochs=1, num_sanity_val_steps=0)
        run.fit(SimCLR(ConvNet(width=2), 8, 4), module(augmentation=CROP, num_workers=0))
        values.append(float(run.callback_metrics["val/loss"]))
    assert values[0] == values[1] > 0


@pytest.mark.parametrize(
    ("augmentation", "message"),
    [
        (
            v2.Compose([CROP, v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.1] * 3)]),
            "leave out Norm",
        ),
        (lambda image: image.size, r"expected transforms that give a PIL image or a tensor \[C, H, W\], got tuple"),
        (lambda image: image.resize((8, int(torch.randint(4, 9, ())))), "give every image one size, got"),
        (
            [CROP, Augmentation()],
            "expected Augmentation for all views or transforms of others for all, got Augm",
        ),
        ([CROP] * 3, "augmentation: expected one, one for each of the method's 1 groups .* of its 2 views, got 3"),
        ([], "augmentation: expected at least one, got an empty list"),
        (["flip"], "augmentation: expected what can be called with an image, got str"),
    ],
)
def test_what_cannot_be_a_view_is_refused(augmentation: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        seen(augmentation=augmentation, num_workers=0)


def test_transforms_are_named_in_a_file_and_written_into_the_record(tmp_path: Path) -> None:
    (tmp_path / "views.yaml").write_text("""
data:
  augmentation:
    class_path: torchvision.transforms.v2.Compose
    init_args:
      transforms:
        - {class_path: torchvision.transforms.v2.RandomResizedCrop, init_args: {size: 8}}
        - {class_path: torchvision.transforms.v2.ToImage}
""")
    line = ["--config", "views.yaml", *SMALL, "--trainer.max_epochs=1", "--trainer.callbacks=OrganizationMetrics"]
    csl(tmp_path, "fit", *line, "--trainer.limit_train_batches=2", "--data.num_workers=0")
    record = (tmp_path / "lightning_logs" / "simclr-digits" / "version_0" / "record.yaml").read_text()
    assert "RandomResizedCrop(size=" in record


def test_one_transform_by_its_class_on_the_line(tmp_path: Path) -> None:
    line = ["--data.augmentation", "torchvision.transforms.v2.RandomResizedCrop", "--data.augmentation.size", "8"]
    line += [*SMALL, "--trainer.max_epochs=1", "--trainer.limit_train_batches=2", "--data.num_workers=0"]
    assert "rld_0.1" in csl(tmp_path, "fit", *line, "--trainer.callbacks=OrganizationMetrics")


def test_the_digits_are_given_as_grey_images() -> None:
    modes: list[str] = []

    def look(image: Image.Image) -> Image.Image:
        modes.append(image.mode)
        return image

    data = ImageDataModule(Digits(), augmentation=look, num_workers=0)
    assert next(iter(data.train_dataloader())).views[0].shape == (256, 1, 8, 8)
    assert set(modes) == {"L"}
