import pytest
from torch import Tensor

from csl.data import Augmentation
from csl.data.recipes import recipe_for
from csl.data.views import augmentations_of
from csl.types import Batch, View
from tests.data.toy import Looker, module, trainer

CROPS = (View(2), View(3, scale=0.5, crop_area=(0.05, 0.3)))


def sizes_and_areas(given: list[Augmentation]) -> list[tuple[int, tuple[float, float]]]:
    recipes = [one.recipe(32) for one in augmentations_of(CROPS, given, recipe_for(32))]
    return [(recipe.image_size, recipe.crop_area) for recipe in recipes]


def test_a_group_states_its_size_and_its_crops() -> None:
    assert sizes_and_areas([Augmentation()]) == [(32, (0.08, 1.0))] * 2 + [(16, (0.05, 0.3))] * 3


def test_one_augmentation_applies_to_every_group_but_for_what_that_states() -> None:
    given = Augmentation(crop_area=(0.2, 1.0), hue=0.3)
    assert sizes_and_areas([given]) == [(32, (0.2, 1.0))] * 2 + [(16, (0.05, 0.3))] * 3
    assert all(one.recipe(32).hue == 0.3 for one in augmentations_of(CROPS, [given], recipe_for(32)))


def test_small_crops_are_a_share_of_the_size_that_is_given() -> None:
    assert [size for size, _ in sizes_and_areas([Augmentation(image_size=48)])] == [48, 48, 24, 24, 24]


def test_one_augmentation_for_each_group_wins_over_what_the_group_states() -> None:
    given = [Augmentation(crop_area=(0.4, 1.0)), Augmentation(crop_area=(0.1, 0.2), image_size=12)]
    assert sizes_and_areas(given) == [(32, (0.4, 1.0))] * 2 + [(12, (0.1, 0.2))] * 3


def test_one_augmentation_for_each_view() -> None:
    given = [Augmentation(crop_area=(0.5, 0.5 + share / 10)) for share in range(5)]
    assert [area[1] for _, area in sizes_and_areas(given)] == [0.5 + share / 10 for share in range(5)]


def test_any_other_number_is_refused() -> None:
    with pytest.raises(ValueError, match="method's 2 groups of views, or one for each of its 5 views, got 3"):
        sizes_and_areas([Augmentation()] * 3)


def test_a_method_gets_the_views_it_asks_for() -> None:
    class Shapes(Looker):
        def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
            shapes.add(tuple(tuple(view.shape) for view in batch.views))
            return super().training_step(batch, batch_idx)

    shapes: set[tuple[tuple[int, ...], ...]] = set()
    trainer(max_epochs=1).fit(Shapes(CROPS), module())
    assert shapes == {((8, 3, 8, 8),) * 2 + ((8, 3, 4, 4),) * 3}
