"""What RLD and CHS say of the synthetic shapes, and of classes that fall into more and more clumps."""

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import NamedTuple

from torch import Tensor

from csl.metrics.analysis import Watcher
from csl.metrics.functional import calinski_harabasz_score, relative_local_density
from csl.study.shapes import SHAPES, TEMPERATURE, draw, draw_clumps
from csl.table import Table


class Score(NamedTuple):
    """The two densities of one draw.

    Attributes:
        rld: Relative local density: high where the nearest points share a class.
        chs: Calinski–Harabasz score: high where a class is one clump far from the others.
    """

    rld: float
    chs: float

    @classmethod
    def of(cls, points: Tensor, classes: Tensor, temperature: float = TEMPERATURE) -> "Score":
        """The scores of points `[N, D]` of these classes `[N]`."""
        rld = relative_local_density(points, classes, temperature)
        return cls(float(rld), float(calinski_harabasz_score(points, classes)))


def shape_scores(seed: int = 0, temperature: float = TEMPERATURE) -> Table:
    """RLD and CHS of each shape, in one draw.

    Example:
        >>> [row[0] for row in shape_scores().rows if float(row[1] or 0) > 0.6 and float(row[2] or 0) < 20]
        ['circles', 'lines', 'small clumps']
    """
    scores = {shape: Score.of(*draw(shape, seed), temperature) for shape in SHAPES}
    return Table(["shape", "rld", "chs"], [[shape, *score] for shape, score in scores.items()])


def clump_scores(
    counts: Sequence[int], draws: int, seed: int = 0, temperature: float = TEMPERATURE, watch: Watcher | None = None
) -> Table:
    """RLD and CHS for each number of clumps a class: the mean over several draws, the lowest and the highest.

    Args:
        counts: Numbers of clumps a class, from 1 to 300.
        draws: How often each is drawn.
        seed: Of the draws.
        temperature: Of RLD.
        watch: Called with "clumps" and the share of the work that is done.
    """
    header = ["clumps", *(f"{score}{end}" for score in Score._fields for end in ("", "_lowest", "_highest"))]
    rows = []
    for number, count in enumerate(counts):
        scores = [Score.of(*draw_clumps(count, seed + other), temperature) for other in range(draws)]
        rows.append([count, *_spread([score.rld for score in scores]), *_spread([score.chs for score in scores])])
        if watch is not None:
            watch("clumps", (number + 1) / len(counts))
    return Table(header, rows)


def _spread(values: Sequence[float]) -> Iterator[float]:
    yield from (fmean(values), min(values), max(values))
