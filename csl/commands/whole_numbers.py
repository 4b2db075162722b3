"""One batch is one batch: whole numbers stay whole where an option takes shares, too."""

from collections.abc import Sequence
from typing import Any

from jsonargparse import _typehints

_by_strictness = _typehints.sort_subtypes_for_union


def whole_first(subtypes: Sequence[Any], *rest: Any) -> list[Any]:
    """The types of a union in the order in which they are tried, `int` before `float`.

    Python keeps one union of the same types, whichever was written first; so `int | float` may come as `float | int`,
    which makes `--trainer.limit_val_batches 1` a share of 1.0, the whole set.

    Example:
        >>> whole_first([float, int, str], 1, None, False)
        [<class 'int'>, <class 'float'>, <class 'str'>]
    """
    found = list(_by_strictness(subtypes, *rest))  # type: ignore[no-untyped-call]
    if int in found and float in found and found.index(float) < found.index(int):
        found.remove(int)
        found.insert(found.index(float), int)
    return found


def keep_whole_numbers() -> None:
    """Let the parser try whole numbers first. It has no setting for that."""
    _typehints.sort_subtypes_for_union = whole_first
