"""How far the work of a command is."""

import sys
from collections.abc import Callable
from typing import Any

_WORTH_SAYING = 5.0  # seconds


class Bar:
    """A progress bar over all work, with the time that is left, on standard error.

    Args:
        visible: Whether there is one at all.

    Example:
        >>> with Bar(visible=False) as watch:
        ...     watch("rld", 0.5)
    """

    def __init__(self, visible: bool) -> None:
        from tqdm import tqdm

        layout = "{desc:<20} {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"
        self._bar: Any = tqdm(total=1.0, disable=not visible, leave=False, bar_format=layout, delay=1.0)

    def __enter__(self) -> Callable[[str, float], None]:
        return self._show

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def expect(self, seconds: float) -> None:
        """Say above the bar how long the work will take, if it is worth saying."""
        if seconds >= _WORTH_SAYING and not self._bar.disable:
            self._bar.write(f"This will take about {speech(seconds)}.", file=sys.stderr)

    def _show(self, name: str, share: float) -> None:
        self._bar.set_description_str(name, refresh=False)
        self._bar.update(share - self._bar.n)


def speech(seconds: float) -> str:
    """A time to one or two digits, in words.

    Example:
        >>> speech(12.3), speech(125), speech(7300)
        ('10 seconds', '2 minutes', '2 hours')
    """
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{round(seconds / 5) * 5:.0f} seconds"
