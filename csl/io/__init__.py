"""Files that are whole or absent; feature files in and out, in which nothing is ever executed."""

from csl.io.archive import check_archive_name, load_features, save_features
from csl.io.arrays import FORMATS, read_arrays
from csl.io.table import FeatureTable, read_features
from csl.io.whole import flush_to_disk, replacing

__all__ = [
    "FORMATS",
    "FeatureTable",
    "check_archive_name",
    "flush_to_disk",
    "load_features",
    "read_arrays",
    "read_features",
    "replacing",
    "save_features",
]
