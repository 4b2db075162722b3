"""Files that are whole or absent; feature files in and out, and checkpoints; nothing in them is ever executed."""

from csl.io.archive import check_feature_name, load_features, save_features
from csl.io.arrays import FORMATS, read_arrays
from csl.io.checkpoint import load_checkpoint
from csl.io.mapped import free_memory, room
from csl.io.shards import Shard, gaps, shards_in
from csl.io.table import FeatureTable, read_features
from csl.io.values import as_array, as_labels
from csl.io.whole import flush_to_disk, replacing

__all__ = [
    "FORMATS",
    "FeatureTable",
    "Shard",
    "as_array",
    "as_labels",
    "check_feature_name",
    "flush_to_disk",
    "free_memory",
    "gaps",
    "load_checkpoint",
    "load_features",
    "read_arrays",
    "read_features",
    "replacing",
    "room",
    "save_features",
    "shards_in",
]
