"""Ctrl-C, and the signal by which a machine asks for its end, as a wish that is granted at the next safe moment."""

import signal
import threading
from types import FrameType
from typing import Any

from lightning.pytorch.utilities import rank_zero_info

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Turns the first SIGINT or SIGTERM into a flag and the second into `KeyboardInterrupt`.

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
        self._previous: dict[signal.Signals, Any] = {}

    def watch(self) -> None:
        """Install the handlers; without effect outside the main thread, where Python allows none."""
        self.asked = False
        if threading.current_thread() is threading.main_thread() and not self._previous:
            self._previous = {number: signal.signal(number, self._on_signal) for number in SIGNALS}

    def release(self) -> None:
        """Put the earlier handlers back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        rank_zero_info("\nStopping after this step and saving a checkpoint; a second signal (Ctrl-C) stops at once.")
