from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from csl.callbacks import ClassDensityBars, FeatureCollector, NeighborGallery, gallery
from csl.data import Digits, ImageDataModule
from csl.encoders import Pixels
from csl.figures.image_rows import Tile
from csl.methods import Frozen
from csl.metrics.functional import relative_local_density
from csl.types import Features

NAMES = ["cat", "dog"]


def rows(labels: list[int]) -> Features:
    values = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.2, 1.0], [1.0, 0.3]])
    return Features(values, torch.tensor(labels), torch.tensor([4, 3, 2, 1, 0]))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[list[Tile]]:
    found: list[list[Tile]] = []

    def draw(lines: list[list[Tile]], **options: Any) -> None:
        found.extend(lines)

    monkeypatch.setattr(gallery, "image_rows", draw)
    return found


def drawn(labels: list[int], num_images: int, num_neighbors: int) -> None:
    callback = NeighborGallery(num_images, num_neighbors)
    # Each image is as bright as its position in the set.
    callback._images = lambda positions: positions.to(torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2)
    callback.draw(rows(labels), NAMES, "a title", True)


def test_neighbours_are_the_nearest_by_cosine_and_marked(shown: list[list[Tile]]) -> None:
    drawn([0, 0, 1, 1, 1], num_images=5, num_neighbors=2)
    # The rows in the order of the set: 0 is the last of the rows above.
    by_image = {int(line[0].image[0, 0, 0]): line for line in shown}
    assert [int(tile.image[0, 0, 0]) for tile in by_image[4]] == [4, 3, 0]
    assert [tile.hit for tile in by_image[4]] == [None, True, False]
    assert [tile.words for tile in by_image[4]] == [("cat",), ("cat",), ("dog",)]
    assert [int(tile.image[0, 0, 0]) for tile in by_image[2]][:2] == [2, 1]
    assert [int(line[0].words[0] == "dog") for line in shown] == [0, 0, 1, 1, 1]  # class by class


def test_without_labels_nothing_is_a_hit(shown: list[list[Tile]]) -> None:
    drawn([-1] * 5, num_images=3, num_neighbors=9)
    assert len(shown) == 3
    assert {len(line) for line in shown} == {5}  # itself and all others
    assert {tile.hit for line in shown for tile in line} == {None}


@pytest.mark.parametrize("name", ["num_images", "num_neighbors"])
def test_a_gallery_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        NeighborGallery(**{name: 0})  # type: ignore[arg-type]


def test_a_run_shows_both_pictures(tmp_path: Path) -> None:
    callbacks = [FeatureCollector(), NeighborGallery(num_images=2, num_neighbors=2), ClassDensityBars()]
    trainer = Trainer(
        accelerator="cpu",
        logger=TensorBoardLogger(tmp_path, name="", version=""),
        callbacks=callbacks,
        enable_progress_bar=False,
    )
    trainer.validate(Frozen(Pixels(in_channels=1, image_size=8)), ImageDataModule(Digits()), verbose=False)
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"val_neighbors_000000.png", "val_class_density_000000.png"}


def test_bars_add_up_to_relative_local_density(monkeypatch: pytest.MonkeyPatch) -> None:
    given = rows([0, 0, 1, 1, 1])
    figure = ClassDensityBars(temperature=0.5).draw(given, NAMES, "a title", True)
    assert figure is not None
    widths = [bar.get_width() for bar in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert sum(widths) == pytest.approx(float(relative_local_density(given.values, given.labels, 0.5)))
    assert widths == sorted(widths, reverse=True)


def test_a_data_module_without_images_is_named_once(capsys: Any, caplog: pytest.LogCaptureFixture) -> None:
    class OwnTrainer:
        datamodule = None

    callback: Any = NeighborGallery()
    with caplog.at_level("INFO"):
        for _ in range(2):
            callback.on_features(OwnTrainer(), torch.nn.Identity(), {})
    told = [record.message for record in caplog.records if "gives no images" in record.message]
    assert told == ["the data module gives no images: NeighborGallery is not drawn"]
