"""Features and tables as matplotlib figures: no window, no file, no logger, no global state."""

from csl.figures.affinity_map import affinity_map
from csl.figures.epoch_curves import epoch_curves
from csl.figures.feature_map import feature_map

__all__ = ["affinity_map", "epoch_curves", "feature_map"]
