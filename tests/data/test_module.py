import logging
import pickle
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from jsonargparse import ArgumentParser
from torch.utils.data import DataLoader

from csl.data import Augmentation, Digits, ImageDataModule, ImageSource, ImageSplits, ImageTensor
from csl.data.checks import check_batch_size
from csl.randomness import seeded
from csl.types import View
from tests.data.toy import Looker, ToySource, module, trainer


def attached(data: ImageDataModule, rank: int, world_size: int) -> ImageDataModule:
    """The data module as it stands on one of several processes."""
    data.trainer = SimpleNamespace(  # type: ignore[assignment]
        global_rank=rank,
        world_size=world_size,
        num_devices=world_size,
        lightning_module=SimpleNamespace(views=(View(2),)),
        strategy=SimpleNamespace(root_device=torch.device("cpu")),
    )
    return data


def test_digits_follow_the_source() -> None:
    data = ImageDataModule(Digits(), batch_size=128)
    data.setup()
    assert (data.num_classes, data.num_channels, data.image_size, data.num_train) == (10, 1, 8, 1400)
    assert data.class_names == tuple("0123456789")
    batch = next(iter(data.train_dataloader()))
    assert batch.images.dtype == torch.uint8
    assert batch.labels.dtype == batch.index.dtype == torch.int64
    assert torch.equal(data.splits.train.labels[batch.index], batch.labels)
    assert [view.shape for view in data.augment(batch.images)] == [(128, 1, 8, 8)] * 2
    assert all(augmentation.recipe(8).flip_probability == 0 for augmentation in data.augmentations)


def test_digits_split_is_stratified_and_the_sources_statistics_normalise_it() -> None:
    data = ImageDataModule(Digits())
    train, val = data.splits.train, data.splits.val
    assert torch.equal(Digits().load().val.labels, val.labels)
    assert (train.labels.bincount() / 1400 - val.labels.bincount() / 397).abs().max() < 0.005
    clean = data.plain(train.images(torch.arange(1400)))
    assert (float(clean.min()), float(clean.max())) == (0, 1)
    clean = (clean - torch.tensor(Digits.mean)) / torch.tensor(Digits.std)
    assert abs(float(clean.mean())) < 0.01
    assert float(clean.std()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("encoded", [False, True])
def test_fit_gives_views_and_evaluation_gives_each_image_once(encoded: bool) -> None:
    method, data = Looker((View(3),)), module(encoded=encoded)
    trainer(max_epochs=1, num_sanity_val_steps=0).fit(method, data)
    assert len(method.seen) == 3
    for part, images in enumerate((data.splits.reference, data.splits.val)):
        batches = method.evaluated[part]
        assert torch.cat([batch.index for batch in batches]).tolist() == list(range(len(images)))
        (views,) = zip(*[batch.views for batch in batches], strict=True)
        shown = torch.cat(views)
        expected = ImageDataModule(ToySource()).plain(ToySource().load().reference.images(torch.arange(5)))
        assert shown.dtype == torch.float32
        if part == 0:
            torch.testing.assert_close(shown[:5], expected)


def test_validate_test_and_predict() -> None:
    method, data = Looker(), module(test=True, predict_split="train")
    trainer().validate(method, data, verbose=False)
    assert {part: sum(len(batch.labels) for batch in batches) for part, batches in method.evaluated.items()} == {
        0: 30,
        1: 11,
    }
    method.evaluated.clear()
    trainer().test(method, data, verbose=False)
    assert sum(len(batch.labels) for batch in method.evaluated[1]) == 7
    method.evaluated.clear()
    trainer().predict(method, data, return_predictions=False)
    assert torch.cat([batch.index for batch in method.evaluated[0]]).tolist() == list(range(30))


def test_a_source_without_a_test_set_says_what_to_run() -> None:
    with pytest.raises(ValueError, match=r"ToySource has no test set .*run validate"):
        trainer().test(Looker(), module(), verbose=False)


@pytest.mark.parametrize("world_size", [2, 4])
def test_processes_together_see_what_one_process_sees(world_size: int) -> None:
    def first_batch(rank: int, size: int) -> tuple[torch.Tensor, ...]:
        data = attached(module(), rank, size)
        data._position = lambda: (0, 0)  # type: ignore[method-assign]
        batch = next(iter(data.train_dataloader()))
        with seeded(0):
            return batch.index, *data.augment(batch.images)

    whole = first_batch(0, 1)
    shares = zip(*[first_batch(rank, world_size) for rank in range(world_size)], strict=True)
    for expected, parts in zip(whole, shares, strict=True):
        torch.testing.assert_close(torch.cat(parts), expected, atol=1e-5, rtol=0)


def test_evaluation_is_shared_out_whole() -> None:
    rows = []
    for rank in range(3):
        for batch in attached(module(batch_size=9), rank, 3).val_dataloader()[1]:
            rows += batch.index.tolist()
    assert rows == list(range(11))


def test_watching_leaves_the_random_state_alone() -> None:
    data = module()
    data.setup()
    before = torch.get_rng_state()
    for loader in (data.train_dataloader(), *data.val_dataloader(), data.predict_dataloader()):
        list(loader)
    assert torch.equal(before, torch.get_rng_state())


def test_training_does_not_depend_on_evaluation() -> None:
    watched, unwatched = Looker(), Looker()
    trainer(max_epochs=2).fit(watched, module())
    trainer(max_epochs=2, limit_val_batches=0).fit(unwatched, module())
    assert watched.seen == unwatched.seen


@pytest.mark.parametrize(
    ("size", "asked"),
    [((8, 8), 8), ((8, 8), 16), ((256, 256), 224), ((300, 200), 128), ((10, 12), 10)],
)
def test_plain_view_is_the_central_square(size: tuple[int, int], asked: int) -> None:
    data = ImageDataModule(ToySource(), image_size=asked)
    images = torch.full((2, 3, *size), 255, dtype=torch.uint8)
    torch.testing.assert_close(data.plain(images), torch.ones(2, 3, asked, asked), atol=1e-5, rtol=0)


def test_plain_view_of_a_larger_image_is_its_centre_crop() -> None:
    data = ImageDataModule(ToySource(), image_size=56)
    images = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8)
    torch.testing.assert_close(data.plain(images), data.plain(images[:, :, 4:-4, 4:-4]), atol=1e-5, rtol=0)


def test_an_augmentation_for_each_view() -> None:
    still: dict[str, Any] = {"crop_area": (1, 1), "crop_ratio": (1, 1), "flip_probability": 0, "rotation": 0}
    still |= {"translation": 0, "scale": (1, 1), "shear": 0, "jitter_probability": 0, "erase_probability": 0}
    still |= {"gray_probability": 0}
    augmentations = [Augmentation(**still), Augmentation(**still, solarize_probability=1)]
    data = ImageDataModule(ToySource(), augmentation=augmentations)
    images = ToySource().load().train.images(torch.arange(4))
    first, second = data.augment(images)
    torch.testing.assert_close(first, data.plain(images), atol=1e-5, rtol=0)
    inverted = torch.where(images >= 128, 255 - images, images)
    torch.testing.assert_close(second, data.plain(inverted), atol=1e-5, rtol=0)


def test_as_many_augmentations_as_views() -> None:
    with pytest.raises(ValueError, match="1 groups of views, or one for each of its 3 views, got 2"):
        trainer().fit(Looker((View(3),)), module(augmentation=[Augmentation(), Augmentation()]))


def test_views_have_the_precision_of_the_trainer() -> None:
    method = Looker()
    trainer(precision="64-true").validate(method, module(), verbose=False)
    assert method.evaluated[0][0].views[0].dtype == torch.float64


class Labelled(ImageSource):
    def __init__(self, train: list[int], val: list[int]) -> None:
        super().__init__(["a", "b", "c"], 3, 8)
        self.train, self.val = train, val

    def load(self) -> ImageSplits:
        train, val = (
            ImageTensor(torch.zeros(len(labels), 3, 8, 8, dtype=torch.uint8), torch.tensor(labels).long())
            for labels in (self.train, self.val)
        )
        return ImageSplits(train, train, val)


@pytest.mark.parametrize(
    ("train", "val", "options", "message"),
    [
        ([0, 1, 3], [0], {}, "Labelled: train: expected labels from 0 to 2, got 3 for image 2"),
        ([0, 1, -2], [0], {}, "Labelled: train: expected labels from 0 to 2, got -2"),
        ([0, 1, -1], [0], {}, "Labelled: reference: expected a label for every image or for none, got none for 1 of 3"),
        ([0, 1], [-1], {}, "Labelled: expected labels in both .* got reference with labels and val without"),
        ([-1, -1], [0], {}, "Labelled: expected labels in both .* got val with labels and reference without"),
        ([0, 1], [0, 2], {}, "Labelled: val has images of classes that the reference set has not: c"),
        ([0, 1], [], {}, "Labelled: val: expected images, found none"),
        ([0, 1], [0], {"batch_size": 3}, r"batch_size: expected 1 to 2 \(the size of the training set\), got 3"),
        ([0, 1], [0], {"batch_size": 0}, "batch_size: expected 1 to 2"),
    ],
)
def test_bad_sets_end_before_training(train: list[int], val: list[int], options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trainer().fit(Looker(), ImageDataModule(Labelled(train, val), **({"batch_size": 1} | options)))


def test_the_batch_divides_among_the_processes() -> None:
    with pytest.raises(ValueError, match=r"batch_size: .*expected a multiple of 3 processes, got 8"):
        attached(module(), 0, 3).setup("fit")


def test_every_process_needs_an_evaluation_image() -> None:
    with pytest.raises(ValueError, match="val: expected at least one image for each of 4 processes, got 3"):
        attached(module(num_val=3), 0, 4).setup("validate")


def test_log_says_what_an_epoch_leaves_out_and_where_images_are(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        module(encoded=True).setup("fit")
    assert sum("leaves out 6 of 30 training images" in message for message in caplog.messages) == 1
    assert sum("ToySource: images are held in memory" in message for message in caplog.messages) == 1


@pytest.mark.parametrize(("budget", "workers"), [(4.0, 0), (0.0, 2)])
def test_memory_budget_decides_who_decodes(budget: float, workers: int) -> None:
    data = module(encoded=True, memory_budget=budget, num_workers=2)
    data.setup("fit")
    loader = data.train_dataloader()
    assert loader.num_workers == workers
    assert all(one.persistent_workers == (workers > 0) for one in (loader, *data.val_dataloader()))
    batch = next(iter(loader))
    assert torch.equal(batch.images, ToySource().load().train.images(batch.index))


def test_spawned_workers() -> None:
    data = module(encoded=True, memory_budget=0.0, num_workers=1)
    images = data.predict_dataloader().dataset
    loader = DataLoader(images, batch_size=4, num_workers=1, multiprocessing_context="spawn", collate_fn=_same)
    assert next(iter(loader)).images.shape == (4, 3, 8, 8)


def _same(batch: Any) -> Any:
    return batch


def test_data_module_pickles() -> None:
    data = module(encoded=True)
    data.setup()
    copy = pickle.loads(pickle.dumps(data))
    assert torch.equal(next(iter(copy.predict_dataloader())).images, next(iter(data.predict_dataloader())).images)


def parsed(*line: str) -> ImageDataModule:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_class_arguments(ImageDataModule, "data")
    data = parser.instantiate(parser.parse_args(list(line))).data
    assert isinstance(data, ImageDataModule)
    return data


def test_command_line() -> None:
    data = parsed("--data.source", "Digits", "--data.batch_size=64", "--data.num_workers=auto")
    assert isinstance(data.source, Digits)
    assert data.batch_size == 64
    assert data.augmentations[0].recipe(8).rotation == 20


def test_one_strength_on_the_command_line_changes_no_other() -> None:
    recipe = parsed("--data.source=Digits", "--data.augmentation.rotation=3").augmentations[0].recipe(8)
    assert (recipe.rotation, recipe.shear, recipe.flip_probability) == (3, 20, 0)


def test_one_augmentation_a_view_in_a_file() -> None:
    views = "[{class_path: Augmentation}, {class_path: Augmentation, init_args: {solarize_probability: 0.2}}]"
    first, second = parsed("--data.source=Digits", f"--data.augmentation={views}").augmentations
    assert (first.recipe(8).solarize_probability, second.recipe(8).solarize_probability) == (0, 0.2)


def test_a_batch_that_is_too_large_is_answered_with_one_that_fits() -> None:
    with pytest.raises(ValueError, match=r"got 256; --data\.batch_size 16 makes several steps an epoch"):
        check_batch_size(256, num_train=100, world_size=1)
    with pytest.raises(ValueError, match=r"got 255; --data\.batch_size 24 makes several steps an epoch"):
        check_batch_size(255, num_train=100, world_size=3)
    with pytest.raises(ValueError, match=r"training set\), got 8$"):
        check_batch_size(8, num_train=3, world_size=1)
