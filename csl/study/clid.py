"""CLID of checkpoints: the sum of its two parts, each scaled to its range among the checkpoints that are compared."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from csl.study.sweep import Swept

CLID = "val/clid"
PARTS = ("val/cluster_learnability", "val/intrinsic_dimension")


def with_clid(runs: Sequence[Swept]) -> list[Swept]:
    """The runs with `val/clid` of every checkpoint, from 0 to 2; high: learnable clusters in many dimensions.

    Each part is 0 where it is smallest and 1 where it is largest among all checkpoints of all runs, so that CLID says
    which of *these* checkpoints is better, and nothing of any other. A single checkpoint gets none. See Lu et al.,
    "Using Representation Expressiveness and Learnability to Evaluate Self-Supervised Learning Methods" (2022, arXiv
    2206.01251).

    Example:
        >>> from pathlib import Path
        >>> from csl.study.rows import Row
        >>> values = [dict(zip(PARTS, parts)) for parts in [(0.5, 8.0), (0.7, 6.0), (0.9, 7.0)]]
        >>> rows = [Row(f"epoch_{at}.ckpt", at, at, value, 0.0) for at, value in enumerate(values)]
        >>> (run,) = with_clid([Swept("a", Path("."), rows)])
        >>> [row.values["val/clid"] for row in run.rows]
        [1.0, 0.5, 1.5]
    """
    rows = [row for run in runs for row in run.rows]
    parts = np.array([[row.values.get(name, np.nan) for name in PARTS] for row in rows]).reshape(-1, 2)
    if len(rows) < 2 or np.isnan(parts).all(axis=0).any():
        return list(runs)
    low, high = np.nanmin(parts, axis=0), np.nanmax(parts, axis=0)
    scores = iter(((parts - low) / np.where(high > low, high - low, 1.0)).sum(axis=1).round(12).tolist())
    return [
        replace(run, rows=[replace(row, values={**row.values, CLID: next(scores)}) for row in run.rows]) for run in runs
    ]
