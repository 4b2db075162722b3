"""Small trainable parts that methods and probes share; nothing here knows Lightning."""

from csl.modules.bank import FeatureBank
from csl.modules.batch_norm import SynchronizedBatchNorm, synchronize_batch_norm
from csl.modules.cosines import Cosines
from csl.modules.mlp import mlp
from csl.modules.momentum import momentum_at, momentum_copy, update_momentum
from csl.modules.normalization import group_statistics, normalized
from csl.modules.patch_changes import DRAWS, changed_patches
from csl.modules.positions import grid_positions
from csl.modules.queue import FeatureQueue
from csl.modules.residual_mlp import ResidualMLP
from csl.modules.row_context import RowContext

__all__ = [
    "DRAWS",
    "Cosines",
    "FeatureBank",
    "FeatureQueue",
    "ResidualMLP",
    "RowContext",
    "SynchronizedBatchNorm",
    "changed_patches",
    "grid_positions",
    "group_statistics",
    "mlp",
    "momentum_at",
    "momentum_copy",
    "normalized",
    "synchronize_batch_norm",
    "update_momentum",
]
