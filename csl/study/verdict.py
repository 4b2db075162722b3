"""Which epoch a measure would have chosen, and how well it follows what the probes say."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from csl.metrics.measures import MEASURES
from csl.study.clid import CLID
from csl.study.sweep import Swept

Floats = npt.NDArray[np.float64]
TARGETS = ("val/linear_accuracy", "val/knn_accuracy", "val/gcn_accuracy")
LOSSES = ("train/loss", "val/loss")
FEWEST = 4  # checkpoints or runs, below which a correlation has no interval worth showing


class Correlation(NamedTuple):
    """Spearman's rank correlation with a 95 % bootstrap interval.

    Attributes:
        value: From −1 to 1; NaN where one side does not vary.
        low: The 2.5th percentile over resampled checkpoints; NaN where there are too few of them.
        high: The 97.5th.
    """

    value: float
    low: float
    high: float


class Verdict(NamedTuple):
    """What one label-free measure is worth for choosing a checkpoint.

    Attributes:
        measure: Its name, such as "val/rankme".
        picks: The epoch that it would choose in each run; None where it states no better direction, is undefined, or
            the run has a single checkpoint.
        regrets: For each target, by how much the chosen epoch's accuracy stays below the best epoch's, the mean over
            runs; NaN without a choice.
        correlations: For each target, the rank correlation over all checkpoints, positive where the measure's good end
            is the target's good end.
    """

    measure: str
    picks: tuple[int | None, ...]
    regrets: Mapping[str, float]
    correlations: Mapping[str, Correlation]


def verdicts(runs: Sequence[Swept], *, draws: int = 2000, seed: int = 0) -> list[Verdict]:
    """What each label-free measure, and the loss itself, would choose, and how well it follows the probes.

    Within a run, the measure's best epoch is compared with the probe's best epoch. Ranks are taken over all checkpoints
    of all runs. Intervals are made by drawing checkpoints with replacement within each run; runs of a single checkpoint
    are drawn among themselves.

    Args:
        runs: What was measured.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Example:
        >>> from pathlib import Path
        >>> from csl.study.rows import Row
        >>> rows = [
        ...     Row(f"epoch_{epoch}.ckpt", epoch, epoch, {"val/rankme": rank, "val/knn_accuracy": knn}, 0.0)
        ...     for epoch, rank, knn in [(1, 3.0, 0.5), (2, 9.0, 0.7), (3, 6.0, 0.8)]
        ... ]
        >>> found = verdicts([Swept("a", Path("."), rows)])[0]
        >>> found.measure, found.picks, round(found.regrets["val/knn_accuracy"], 4)
        ('val/rankme', (2,), 0.1)
    """
    targets = [name for name in TARGETS if any(name in run.names for run in runs)]
    together = _drawn_together(runs)
    found = []
    for name in label_free(runs):
        scores = [goodness(name, run) for run in runs]
        picks = tuple(_pick(name, score, run) for score, run in zip(scores, runs, strict=True))
        regrets = {target: _regret(target, picks, runs) for target in targets}
        pooled = np.concatenate(scores)
        against = {t: np.concatenate([column(t, run) for run in runs]) for t in targets}
        correlations = {target: spearman(pooled, against[target], together, draws, seed) for target in targets}
        found.append(Verdict(name, picks, regrets, correlations))
    return found


def label_free(runs: Sequence[Swept]) -> list[str]:
    """The scalars that need no label, in the order of the panel: losses, LiDAR, CLID, measures of the held-out set."""
    names = {name for run in runs for name in run.names}
    measures = [f"val/{s}" for m in MEASURES.values() if m.needs == "features" for s in m.scalar_names()]
    return [name for name in (*LOSSES, "train/lidar", CLID, *measures) if name in names]


def column(name: str, run: Swept) -> Floats:
    """A scalar of every checkpoint, NaN where it was not measured."""
    return np.array([row.values.get(name, np.nan) for row in run.rows])


def goodness(name: str, run: Swept) -> Floats:
    """A scalar turned so that more is better, as far as its measure states a direction."""
    values = column(name, run)
    if name in LOSSES:
        return -values
    if name == CLID:
        return values
    measure = MEASURES[name.rpartition("/")[2]]
    if measure.best is not None:
        return -np.abs(values - measure.best)
    return -values if measure.higher_is_better is False else values


def has_direction(name: str) -> bool:
    """Whether one end of a scalar, or one value, is stated to be the best."""
    if name in (*LOSSES, CLID):
        return True
    measure = MEASURES[name.rpartition("/")[2]]
    return measure.higher_is_better is not None or measure.best is not None


def _pick(name: str, scores: Floats, run: Swept) -> int | None:
    chooses = len(scores) > 1 and has_direction(name) and not np.isnan(scores).all()
    return run.rows[int(np.nanargmax(scores))].epoch if chooses else None


def _regret(target: str, picks: Sequence[int | None], runs: Sequence[Swept]) -> float:
    lost = []
    for pick, run in zip(picks, runs, strict=True):
        values = {row.epoch: row.values.get(target, np.nan) for row in run.rows}
        if pick is not None and not np.isnan(list(values.values())).all():
            lost.append(float(np.nanmax(list(values.values())) - values[pick]))
    return float(np.mean(lost)) if lost else float("nan")


def _drawn_together(runs: Sequence[Swept]) -> npt.NDArray[np.int64]:
    """For each checkpoint of all runs, the number of its group: a run of several, or all runs that have one `[n]`."""
    counts = [len(run.rows) for run in runs]
    return np.repeat([number if count > 1 else -1 for number, count in enumerate(counts)], counts)


def spearman(
    first: Floats, second: Floats, groups: npt.NDArray[np.int64], draws: int = 2000, seed: int = 0
) -> Correlation:
    """The rank correlation of two columns, with an interval from rows drawn with replacement within each group.

    Args:
        first: One column `[n]`; rows that are NaN in either are left out.
        second: The other `[n]`.
        groups: The number of each row's group, such as its run `[n]`.
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Example:
        >>> round(spearman(np.arange(5.0), np.array([0.0, 1.0, 3.0, 2.0, 4.0]), np.zeros(5, int)).value, 3)
        0.9
    """
    known = ~(np.isnan(first) | np.isnan(second))
    first, second, groups = first[known], second[known], groups[known]
    value = float(_ranked(first, second)) if len(first) else np.nan
    if len(first) < FEWEST or np.isnan(value):
        return Correlation(value, np.nan, np.nan)
    generator = np.random.default_rng(seed)
    parts = [
        generator.choice(np.flatnonzero(groups == group), (draws, (groups == group).sum()))
        for group in np.unique(groups)
    ]
    rows = np.concatenate(parts, axis=1)
    low, high = np.nanpercentile(_ranked(first[rows], second[rows]), [2.5, 97.5])
    return Correlation(value, float(low), float(high))


def _ranked(first: Floats, second: Floats) -> Floats:
    """Spearman's correlation along the last axis, with ties at their mean rank."""
    from scipy.stats import rankdata

    a, b = (rankdata(part, axis=-1) for part in (first, second))
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    norms = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.where(norms > 0, (a * b).sum(axis=-1) / np.where(norms > 0, norms, 1.0), np.nan)
