"""The plane of local against global density, of the encoders of a comparison."""

import math
from typing import TYPE_CHECKING

from csl.figures import density_plane
from csl.figures.density_plane import Way
from csl.study.compare import Comparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RLD, CHS = "val/rld_0.1", "val/calinski_harabasz"


def plane(found: Comparison) -> "Figure":
    """Groups of seeds as ellipses, epochs that were measured as paths.

    Args:
        found: What was compared; encoders that are set apart are not drawn.

    Raises:
        ValueError: If nobody measured both densities of any encoder.
    """
    groups: dict[str, list[Way]] = {}
    for entry in found.entries:
        across, up = ([row.values.get(name, math.nan) for row in entry.rows] for name in (RLD, CHS))
        groups.setdefault(entry.group, []).append(Way(across, up))
    return density_plane(groups)
