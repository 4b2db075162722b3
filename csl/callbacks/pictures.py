"""A figure in every log that can show it, and as a file in the run's folder."""

import io
from pathlib import Path
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.loggers import Logger
from matplotlib.figure import Figure

from csl.callbacks.run_folder import has_folder, run_folder
from csl.io import replacing

PICTURES = "pictures"


def picture_file(tag: str, step: int) -> Path:
    """Where a run keeps a picture that was drawn at a step.

    Example:
        >>> picture_file("val/feature_map", 19).as_posix()
        'pictures/val_feature_map_000019.png'
    """
    return Path(PICTURES) / f"{tag.replace('/', '_')}_{step:06d}.png"


def show_figure(trainer: Trainer, tag: str, figure: Figure | None) -> None:
    """Hand a figure to the loggers, and write it into the run's folder.

    Args:
        trainer: The running trainer.
        tag: What the picture is called, such as "val/feature_map".
        figure: The figure, on the first process; None on the others, which call this, too.
    """
    folder, step = run_folder(trainer), trainer.fit_loop.epoch_loop._batches_that_stepped
    if figure is None or not trainer.is_global_zero:
        return
    for logger in trainer.loggers:
        _show(logger, tag, figure, step)
    if has_folder(trainer):
        with replacing(folder / picture_file(tag, step)) as file:
            figure.savefig(file, format="png")


def _show(logger: Logger, tag: str, figure: Figure, step: int) -> None:
    """Show a figure in the way that a logger has for it; one that has none is passed over."""
    log: Any = getattr(logger, "experiment", None)
    if hasattr(log, "add_figure"):  # TensorBoard
        log.add_figure(tag, figure, step, close=False)
    elif hasattr(logger, "log_image"):  # Weights & Biases
        logger.log_image(tag, [_image(figure)], step=step)
    elif hasattr(log, "log_figure") and hasattr(logger, "run_id"):  # MLflow
        log.log_figure(logger.run_id, figure, picture_file(tag, step).as_posix())
    elif hasattr(log, "log_figure"):  # Comet
        log.log_figure(figure_name=tag, figure=figure, step=step)


def _image(figure: Figure) -> Any:
    """The figure as a picture of the Python Imaging Library."""
    from PIL import Image

    file = io.BytesIO()
    figure.savefig(file, format="png")
    return Image.open(file)
