"""The views of methods that may have small crops beside full views."""

from csl.checks import check_positive, check_range
from csl.types import View


def full_views_and(small_crops: int, full_views: int = 2) -> tuple[View, ...]:
    """Full views, and a number of small crops of half their height and width.

    Raises:
        ValueError: If the number of crops is negative, or there is no full view.

    Example:
        >>> [view.count for view in full_views_and(4)], full_views_and(0)
        ([2, 4], (View(count=2, scale=1.0, crop_area=None),))
    """
    check_range("small_crops", small_crops)
    check_positive(full_views=full_views)
    crops = (View(small_crops, scale=0.5, crop_area=(0.1, 0.4)),) if small_crops else ()
    return (View(full_views), *crops)
