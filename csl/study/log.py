"""The measurements of a sweep in TensorBoard, beside the training's own curves."""

from collections.abc import Sequence
from pathlib import Path

from csl.runs import EVENTS
from csl.study.rows import Row


def write_log(folder: Path, rows: Sequence[Row]) -> None:
    """Write one point for each checkpoint and scalar, at the checkpoint's step, in place of those of an earlier sweep.

    The folder lies inside the run's: TensorBoard shows the points in the charts of the training, as a curve of their
    own. Lightning counts steps from 0, so that what was measured after 10 steps stands at 9; so do these.
    """
    from torch.utils.tensorboard import SummaryWriter

    for old in folder.glob(EVENTS):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        for row in rows:
            for name, value in row.values.items():
                writer.add_scalar(name, value, max(0, row.step - 1))
