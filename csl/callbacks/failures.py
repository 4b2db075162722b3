"""What is said of a measurement that failed."""

import traceback
from pathlib import Path

import csl

_PACKAGE = Path(csl.__file__).parent


def reason_of(error: Exception) -> str:
    """Why a measurement failed: the message alone where csl refused something, else with the traceback.

    Example:
        >>> try:
        ...     1 / 0
        ... except ArithmeticError as error:
        ...     print(reason_of(error).splitlines()[0])
        ZeroDivisionError: division by zero
    """
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, ValueError | Warning) and frames and _PACKAGE in Path(frames[-1].filename).parents:
        return str(error)
    return f"{type(error).__name__}: {error}\n{''.join(traceback.format_exception(error)).rstrip()}"
