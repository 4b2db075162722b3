"""Ctrl-C as a wish that is granted at the next safe moment."""

import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch.utilities import rank_zero_info


class Interruption:
    """Turns the first SIGINT into a flag and the second into `KeyboardInterrupt`.

    Example:
        >>> interruption = Interruption()
        >>> interruption.watch()
        >>> signal.raise_signal(signal.SIGINT)
        >>> interruption.asked
        True
        >>> interruption.release()
    """

    def __init__(self) -> None:
        self.asked = False
        self._previous: Any = None

    def watch(self) -> None:
        """Install the handler; without effect outside the main thread, where Python allows none."""
        self.asked = False
        if threading.current_thread() is threading.main_thread() and self._previous is None:
            self._previous = signal.signal(signal.SIGINT, self._on_signal)

    def release(self) -> None:
        """Put the earlier handler back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        rank_zero_info("\nStopping after this step and saving a checkpoint; press Ctrl-C again to stop at once.")
