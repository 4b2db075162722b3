"""What every run has beside the monitors that its user chose."""

from collections.abc import Iterable

from lightning.pytorch import Callback

from csl.callbacks.channels_last import ChannelsLast
from csl.callbacks.collapse import CollapseAlarm
from csl.callbacks.encoder_weights import EncoderWeights
from csl.callbacks.epoch_lines import EpochLines
from csl.callbacks.features import FeatureCollector
from csl.callbacks.loss_on_bar import LossOnBar
from csl.callbacks.memory_guard import MemoryGuard
from csl.callbacks.nan_guard import NaNGuard
from csl.callbacks.process_watch import ProcessWatch
from csl.callbacks.run_checkpoint import RunCheckpoint
from csl.callbacks.run_record import RunRecord
from csl.callbacks.table import MeasurementTable

STANDARD = (
    ChannelsLast,
    FeatureCollector,
    CollapseAlarm,
    LossOnBar,
    EpochLines,
    MeasurementTable,
    MemoryGuard,
    NaNGuard,
    ProcessWatch,
    RunRecord,
    EncoderWeights,
    RunCheckpoint,
)


def standard(callbacks: Iterable[Callback] = ()) -> list[Callback]:
    """Your callbacks, and after them those that `csl fit` adds by itself, for a `Trainer` in Python.

    The added ones choose the fastest memory format, hand the features to the monitors, warn of a collapse, show the
    loss on the progress bar or print a line an epoch where there is no terminal, print the table, refuse a
    step that memory cannot hold, stop at a NaN, end all processes when one dies, and save the run's record, its
    checkpoints and the encoder's weights. Where you give one of the same class, or of a class derived from it, yours
    takes its place.

    Args:
        callbacks: Your own; their order is kept.

    Example:
        >>> from lightning.pytorch import Trainer
        >>> from csl.callbacks import OrganizationMetrics
        >>> callbacks = standard([RunCheckpoint(keep_every_n_epochs=10), OrganizationMetrics()])
        >>> [type(callback).__name__ for callback in callbacks][:3]
        ['RunCheckpoint', 'OrganizationMetrics', 'ChannelsLast']
        >>> trainer = Trainer(accelerator="cpu", logger=False, callbacks=callbacks)
    """
    own = list(callbacks)
    return [*own, *(kind() for kind in STANDARD if not any(isinstance(callback, kind) for callback in own))]
