"""The same progress bar and summary whatever else is installed: Lightning takes others where it finds rich."""

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelSummary, ProgressBar, TQDMProgressBar

PLAIN = (("enable_progress_bar", ProgressBar, TQDMProgressBar), ("enable_model_summary", ModelSummary, ModelSummary))


def plain_output(trainer: Mapping[str, Any], callbacks: Sequence[Callback]) -> list[Callback]:
    """The bar and the summary that a trainer is to have where its user neither chose one nor switched it off.

    Messages are written above the bars, which tqdm can do and rich cannot do from outside.

    Args:
        trainer: The trainer's options.
        callbacks: Those it has.

    Example:
        >>> [type(one).__name__ for one in plain_output({"enable_model_summary": False}, [])]
        ['TQDMProgressBar']
    """
    if trainer.get("barebones"):
        return []
    return [
        plain()
        for option, kind, plain in PLAIN
        if trainer.get(option) is not False and not any(isinstance(one, kind) for one in callbacks)
    ]
