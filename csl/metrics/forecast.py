"""How long measuring will take, told before it begins."""

import time
from collections.abc import Sequence

import torch

from csl.metrics.functional.relative_local_density import RLD
from csl.metrics.functional.relative_local_density_per_class import TEMPERATURES
from csl.metrics.measure import Measure, Size
from csl.metrics.samples import Samples

_ROWS = 2048  # of the set whose relative local density is timed: it takes a few hundredths of a second on two cores


def costs(measures: Sequence[Measure], size: Size) -> list[float]:
    """About how many multiplications each measure takes; a search that several share counts where it comes first.

    Example:
        >>> from csl.metrics.measures import MEASURES
        >>> first, second = costs([MEASURES["neighbor_agreement"], MEASURES["knn_accuracy"]], Size(1000, 50, 10))
        >>> first > second
        True
    """
    found, searched = [], False
    for measure in measures:
        found.append(1.0 if measure.searches and searched else measure.cost(size) + 1)
        searched = searched or measure.searches
    return found


def forecast(measures: Sequence[Measure], size: Size, device: torch.device) -> float:
    """About how many seconds measures will take: their work over the rate at which this machine does it.

    The rate is that of relative local density, timed on a small set of the same dimension.

    Example:
        >>> from csl.metrics.measures import MEASURES
        >>> forecast([MEASURES["rld"]], Size(100, 4, 2), torch.device("cpu")) > 0
        True
    """
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(_ROWS, size.dimension, generator=generator).to(device)
    labels = torch.arange(_ROWS, device=device) % 10
    seconds = 0.0
    for count in (10, _ROWS):  # the first call loads what it needs
        start = time.perf_counter()
        RLD.of(Samples(rows[:count], labels[:count], memory_budget=0), temperatures=TEMPERATURES).tolist()
        seconds = time.perf_counter() - start
    return sum(costs(measures, size)) * seconds / RLD.cost(Size(_ROWS, size.dimension, 10))
