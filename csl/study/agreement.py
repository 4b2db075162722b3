"""Neighbour agreement of several encoders for k = 1 to 1,000."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from csl.metrics.functional import neighbor_agreement
from csl.study.subjects import Part, Subject
from csl.table import Table

MOST = 1000


def numbers_of_neighbors(count: int, most: int = MOST) -> list[int]:
    """About thirty numbers from 1 to 1,000, or to one less than the samples, evenly on a log scale.

    Example:
        >>> numbers_of_neighbors(12)
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    """
    ends = np.geomspace(1, min(most, count - 1), 31)
    return sorted(
        {*ends.round().astype(int).tolist(), *(k for k in (1, 10, 100, 500, 1000) if k <= min(most, count - 1))}
    )


def agreement_table(subjects: Sequence[Subject], part: Part, ks: Sequence[int]) -> Table:
    """One row a k: the agreement of each subject, and the best that the sizes of the classes allow."""
    columns = [neighbor_agreement(s.part(part).features, s.part(part).labels, ks).tolist() for s in subjects]
    best = best_agreement(subjects[0].part(part).labels, ks)
    rows = [[k, *(column[at] for column in columns), best[at]] for at, k in enumerate(ks)]
    return Table(["k", *(subject.name for subject in subjects), "classes all apart"], rows)


def best_agreement(labels: Tensor, ks: Sequence[int]) -> list[float]:
    """The agreement if the nearest of each sample were all the others of its class.

    Example:
        >>> best_agreement(torch.tensor([0, 0, 1, 1]), [1, 2])
        [1.0, 0.5]
    """
    sizes = torch.unique(labels, return_counts=True)[1].double()
    shares = sizes / sizes.sum()
    return [float((shares * ((sizes - 1).clamp(max=k) / k)).sum()) for k in ks]
