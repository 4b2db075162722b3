"""Features and tables as matplotlib figures: no window, no file, no logger, no global state."""

from csl.figures.affinity_map import affinity_map
from csl.figures.class_bars import class_bars
from csl.figures.correlation_plot import correlation_plot
from csl.figures.density_plane import density_plane
from csl.figures.epoch_curves import epoch_curves
from csl.figures.feature_map import feature_map
from csl.figures.gap_plot import gap_plot

__all__ = [
    "affinity_map",
    "class_bars",
    "correlation_plot",
    "density_plane",
    "epoch_curves",
    "feature_map",
    "gap_plot",
]
