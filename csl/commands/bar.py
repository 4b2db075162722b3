"""How far the work of a command is."""

from collections.abc import Callable
from typing import Any


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

    def _show(self, name: str, share: float) -> None:
        self._bar.set_description_str(name, refresh=False)
        self._bar.update(share - self._bar.n)
