"""What a line says is what is taken: whole numbers stay whole, and null stays null, at any depth."""

from collections.abc import Sequence
from typing import Any

from jsonargparse import _typehints
from jsonargparse._util import NestedArg, parse_value_or_config

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


def null_kept(value: Any, *rest: Any, **options: Any) -> tuple[Any, Any]:
    """A value as the parser reads it; of a nested option null, lists and mappings as they were written.

    The parser hands such an option down, level by level, as the text `--key=value`, in which None would become the
    word None: `--model.encoder.weights null` would look for a file of that name.
    """
    found, file = parse_value_or_config(value, *rest, **options)
    if isinstance(found, NestedArg) and (found.val is None or isinstance(found.val, list | dict)):
        return value, file
    return found, file


def take_values_as_written() -> None:
    """Let the parser try whole numbers first, and hand on nulls. It has no setting for either."""
    _typehints.sort_subtypes_for_union = whole_first
    _typehints.parse_value_or_config = null_kept  # type: ignore[attr-defined]
