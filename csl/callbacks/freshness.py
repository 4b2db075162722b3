"""Which measurements are of the present weights; callbacks that watch one pass over the epochs that lack it."""

from collections.abc import Callable, Iterable
from typing import Any

from lightning.pytorch import Callback, Trainer

# How Lightning's own callbacks ask whether to do nothing for now.
QUESTIONS = ("_should_skip_saving_checkpoint", "_should_skip_check")


class Freshness:
    """The step at which each scalar of a validation pass was measured last.

    Example:
        >>> fresh = Freshness()
        >>> fresh.note(["val/rld_0.1"], step=4)
        >>> fresh.is_stale("val/rld_0.1", 4), fresh.is_stale("val/rld_0.1", 8), fresh.is_stale("train/loss", 8)
        (False, True, False)
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._steps: dict[str, int] = dict.fromkeys(names, -1)

    @property
    def names(self) -> list[str]:
        """All scalars that passes have measured."""
        return list(self._steps)

    def note(self, names: Iterable[str], step: int) -> None:
        """These were measured after so many steps."""
        self._steps |= dict.fromkeys(names, step)

    def is_stale(self, name: str | None, step: int) -> bool:
        """Whether a scalar is one of passes, and not of the weights after so many steps."""
        return name in self._steps and self._steps[name] != step


def pass_over_stale(callbacks: Iterable[Callback], is_stale: Callable[[Trainer, str | None], bool]) -> None:
    """Let `ModelCheckpoint` and `EarlyStopping` do nothing where what they monitor was not measured."""
    for callback in callbacks:
        for question in QUESTIONS if hasattr(callback, "monitor") else ():
            if hasattr(callback, question) and question not in vars(callback):
                setattr(callback, question, _or_stale(callback, getattr(callback, question), is_stale))


def _or_stale(
    callback: Any, skips: Callable[[Trainer], bool], is_stale: Callable[[Trainer, str | None], bool]
) -> Callable[[Trainer], bool]:
    return lambda trainer: skips(trainer) or is_stale(trainer, callback.monitor)
