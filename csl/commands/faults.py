"""Where in a configuration the parser found a fault: its errors, from the whole to the innermost one."""

import re
import traceback
from collections.abc import Sequence
from typing import Any, NamedTuple

KEY = re.compile(r'Parser key "([^"]+)"')
CLASS = re.compile(r"Problem with given class_path '([^']+)'")
NO_CHOICE = "Expected a <class 'NoneType'>"


class Fault(NamedTuple):
    """The innermost fault behind an error of jsonargparse.

    Attributes:
        key: The option it is about, such as `trainer.callbacks.metrics`; empty if it is about none.
        owner: The class path that the last part of the key belongs to; empty at the top.
        option: That last part, as its owner calls it.
        class_path: The innermost class path that was being read; the owner, or one that stands at the key.
        errors: What is wrong there: one error, or one for each type that the value could have had.
        value: The value that had none of these types; None where there is only one type.
    """

    key: str
    owner: str
    option: str
    class_path: str
    errors: Sequence[BaseException]
    value: Any

    @classmethod
    def of(cls, error: BaseException) -> "Fault":
        """Follow the errors that jsonargparse has wrapped, each in a message of its own."""
        keys, owner, class_path = [""], "", ""
        path = _path(error)
        for one in path:
            text = str(one)
            if found := CLASS.match(text):
                class_path = found[1]
                keys.append("")  # a key may have the name of the one that its class stands at
            elif (found := KEY.match(text)) and found[1] != keys[-1]:
                owner = class_path
                keys.append(found[1])
        options, value = _options(path[-1])
        named = [key for key in keys if key]
        return cls(".".join(named), owner, "".join(named[-1:]), class_path, options or [path[-1]], value)


def _path(error: BaseException) -> list[BaseException]:
    """The errors from the outermost one to the innermost cause, by the possibility of each union that got furthest."""
    if not _raised_by_parser(error):
        return [error]
    options, _ = _options(error)
    if not options:
        return [error] if error.__cause__ is None else [error, *_path(error.__cause__)]
    furthest = max((_path(option) for option in options), key=_reach)
    return [error, *furthest] if _reach(furthest) > 1 else [error]


def _reach(path: list[BaseException]) -> int:
    """How far a path goes: a choice at its end leads further than an error there."""
    return len(path) + bool(_options(path[-1])[0])


def _options(error: BaseException) -> tuple[list[BaseException], Any]:
    """Where no type of a union took a value: the error of each of them, which the message holds as text only."""
    if not str(error).startswith("Does not validate against any of the Union"):
        return [], None
    *_, (frame, _) = traceback.walk_tb(error.__traceback__)
    found = frame.f_locals.get("exceptions", ())
    meant = [option for option in found if not str(option).startswith(NO_CHOICE)]
    return meant or list(found), frame.f_locals.get("val")


def _raised_by_parser(error: BaseException) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and "jsonargparse" in frames[-1].filename
