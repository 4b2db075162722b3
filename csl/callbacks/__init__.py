"""Lightning callbacks: what is measured, drawn, saved and guarded while a method trains."""

from csl.callbacks.channels_last import ChannelsLast
from csl.callbacks.checkpoint_io import AtomicCheckpointIO
from csl.callbacks.classifier_alignment import ClassifierAlignment
from csl.callbacks.collapse import CollapseAlarm
from csl.callbacks.compilation import Compilation
from csl.callbacks.encoder_weights import EncoderWeights
from csl.callbacks.epoch_lines import EpochLines
from csl.callbacks.feature_callback import FeatureCallback
from csl.callbacks.feature_writer import FeatureWriter
from csl.callbacks.features import FeatureCollector
from csl.callbacks.figures import ClassAffinityMap, ClassDensityBars, FeatureMap, FigureCallback
from csl.callbacks.gallery import NeighborGallery
from csl.callbacks.held_out_loss import HeldOutLoss
from csl.callbacks.loss_on_bar import LossOnBar
from csl.callbacks.memory_guard import MemoryGuard
from csl.callbacks.nan_guard import NaNGuard, NonFiniteLossError
from csl.callbacks.organization import OrganizationMetrics
from csl.callbacks.probes import ProbeMonitor
from csl.callbacks.process_watch import ProcessFailure, ProcessWatch
from csl.callbacks.run_checkpoint import RunCheckpoint
from csl.callbacks.run_record import RunRecord
from csl.callbacks.shard_writer import ShardWriter
from csl.callbacks.standard import standard
from csl.callbacks.table import MeasurementTable, measurement_table

__all__ = [
    "AtomicCheckpointIO",
    "ChannelsLast",
    "ClassAffinityMap",
    "ClassDensityBars",
    "ClassifierAlignment",
    "CollapseAlarm",
    "Compilation",
    "EncoderWeights",
    "EpochLines",
    "FeatureCallback",
    "FeatureCollector",
    "FeatureMap",
    "FeatureWriter",
    "FigureCallback",
    "HeldOutLoss",
    "LossOnBar",
    "MeasurementTable",
    "MemoryGuard",
    "NaNGuard",
    "NeighborGallery",
    "NonFiniteLossError",
    "OrganizationMetrics",
    "ProbeMonitor",
    "ProcessFailure",
    "ProcessWatch",
    "RunCheckpoint",
    "RunRecord",
    "ShardWriter",
    "measurement_table",
    "standard",
]
