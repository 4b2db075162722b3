"""The views of methods that may have small crops beside full views."""

from csl.checks import check_range
from csl.types import View


def full_views_and(small_crops: int) -> tuple[View, ...]:
    """Two full views, and a number of small crops of half their height and width.

    Raises:
        ValueError: If the number is negative.

    Example:
        >>> [view.count for view in full_views_and(4)], full_views_and(0)
        ([2, 4], (View(count=2, scale=1.0, crop_area=None),))
    """
    check_range("small_crops", small_crops)
    crops = (View(small_crops, scale=0.5, crop_area=(0.1, 0.4)),) if small_crops else ()
    return (View(2), *crops)
