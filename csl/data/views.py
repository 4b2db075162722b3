"""Which augmentation draws each view: the method says which views it wants, the user how strong they are."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from csl.checks import check_views
from csl.data.augmentation import Augmentation
from csl.data.recipes import Recipe
from csl.types import View

T = TypeVar("T")


def augmentations_of(views: Sequence[View], given: Sequence[Augmentation], recipe: Recipe) -> list[Augmentation]:
    """One augmentation for each view, in the order of `Batch.views`.

    A single augmentation applies to every group of views, except for the size and the crops of a group that states its
    own. Several augmentations are one for each group, or one for each view, and win over what the group states.

    Args:
        views: The groups that the method wants.
        given: What the user gave.
        recipe: What applies to a full view where neither says anything.

    Raises:
        ValueError: If there are several augmentations, but not one for each group or for each view.

    Example:
        >>> from csl.data.recipes import recipe_for
        >>> crops = augmentations_of((View(2), View(6, scale=0.5)), [Augmentation()], recipe_for(32))
        >>> [crop.recipe(32).image_size for crop in crops]
        [32, 32, 16, 16, 16, 16, 16, 16]
    """
    check_views(views)
    groups = [group for group in views for _ in range(group.count)]
    if len(given) == 1:
        recipe = replace(recipe, image_size=given[0].given.get("image_size", recipe.image_size))
        return [given[0].without(_stated(group)).follow(_recipe_of(group, recipe)) for group in groups]
    return [one.follow(_recipe_of(group, recipe)) for one, group in zip(one_a_view(views, given), groups, strict=True)]


def one_a_view(views: Sequence[View], given: Sequence[T]) -> list[T]:
    """What was given once, or once for each group of views, or for each view, as one for each view.

    Raises:
        ValueError: If there is another number of them.

    Example:
        >>> one_a_view((View(2), View(1)), ["large", "small"])
        ['large', 'large', 'small']
    """
    count = sum(group.count for group in views)
    if len(given) == 1:
        return [given[0]] * count
    if len(given) == len(views):
        return [one for one, group in zip(given, views, strict=True) for _ in range(group.count)]
    if len(given) != count:
        raise ValueError(
            f"augmentation: expected one, one for each of the method's {len(views)} groups of views, or one for each "
            f"of its {count} views, got {len(given)}"
        )
    return list(given)


def _stated(group: View) -> set[str]:
    """The strengths that a group of views states itself."""
    stated = {"image_size": group.scale != 1, "crop_area": group.crop_area is not None}
    return {name for name, is_stated in stated.items() if is_stated}


def _recipe_of(group: View, recipe: Recipe) -> Recipe:
    """The recipe of a group: that of full views, with the group's size and crops."""
    size = max(1, round(group.scale * recipe.image_size))
    return replace(recipe, image_size=size, crop_area=group.crop_area or recipe.crop_area)
