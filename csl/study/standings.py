"""The table of a comparison: groups of seeds with mean and spread, and which of them is best for sure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from csl.study.entries import Entry
from csl.table import Table


class Column(NamedTuple):
    """A number of the table.

    Attributes:
        title: Its heading.
        scalar: What it is called in a log; two of them, with a minus between them, are a difference.
        digits: Behind the point.
        how: How it was measured, in a few words.
        is_share: Whether it is a share of the held-out images, whose chance error is known even of one run.
        marks_best: Whether the largest is the best.
    """

    title: str
    scalar: str
    digits: int
    how: str
    is_share: bool = False
    marks_best: bool = False


COLUMNS = (
    Column("linear", "val/linear_accuracy", 3, "logistic regression on frozen features, held-out images", True, True),
    Column("kNN", "val/knn_accuracy", 3, "weighted vote of the 20 nearest training images, by cosine", True, True),
    Column("GCN", "val/gcn_accuracy", 3, "graph convolutional network on labels and similarities", True, True),
    Column("GCN - linear", "val/gcn_accuracy-val/linear_accuracy", 3, "above 0: a graph suits the features better"),
    Column("RLD(1.0)", "val/rld_1.0", 3, "relative local density, T = 1: far neighbours count"),
    Column("RLD(0.2)", "val/rld_0.2", 3, "T = 0.2"),
    Column("RLD(0.1)", "val/rld_0.1", 3, "T = 0.1: near neighbours count"),
    Column("CHS", "val/calinski_harabasz", 0, "Calinski-Harabasz score: classes compact and far apart as wholes"),
    Column("NC1", "val/nc1_variability", 2, "neural collapse, variability within classes; 0: each class is a point"),
    Column("RankMe", "val/rankme", 1, "directions in use"),
    Column("val loss", "val/loss", 3, "the method's own loss on held-out views; methods do not compare"),
)


class Standing(NamedTuple):
    """One number of one group.

    Attributes:
        mean: Over the group's runs; NaN where none has it.
        spread: Standard deviation over them; None for a single one.
        error: Half the 95 % interval of the mean; infinite where nothing is known of it.
        best: Whether its interval lies above those of all other groups.
    """

    mean: float
    spread: float | None
    error: float
    best: bool = False


def standings(entries: Sequence[Entry]) -> dict[str, dict[str, Standing]]:
    """For each group, each number's mean, spread and interval; columns that nobody has are left out.

    The interval of several runs is Student's; that of a single one is the chance error of a share of so many images.
    A group is marked as the best where its interval lies above all others'.

    Args:
        entries: What is compared, on the same images.
    """
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    found: dict[str, dict[str, Standing]] = {name: {} for name in groups}
    for column in COLUMNS:
        row = {name: _standing(column, members) for name, members in groups.items()}
        if all(math.isnan(one.mean) for one in row.values()):
            continue
        for name, one in row.items():
            others = [other for key, other in row.items() if key != name and not math.isnan(other.mean)]
            is_best = (
                column.marks_best
                and bool(others)
                and all(one.mean - one.error > other.mean + other.error for other in others)
            )
            found[name][column.title] = one._replace(best=is_best)
    return found


def value_of(column: Column, values: Mapping[str, float]) -> float:
    """A column's number among what was measured; NaN where it was not.

    Example:
        >>> gap = next(column for column in COLUMNS if column.title == "GCN - linear")
        >>> value_of(gap, {"val/gcn_accuracy": 0.75, "val/linear_accuracy": 0.5})
        0.25
    """
    first, _, second = column.scalar.partition("-")
    value = values.get(first, math.nan)
    return value - values.get(second, math.nan) if second else value


def standings_table(found: Mapping[str, Mapping[str, Standing]]) -> Table:
    """One row for each group: mean and spread."""
    columns = [column for column in COLUMNS if any(column.title in row for row in found.values())]
    rows = [[name, *(shown(column, row[column.title]) for column in columns)] for name, row in found.items()]
    return Table(["", *(column.title for column in columns)], rows)


def shown(column: Column, one: Standing) -> str:
    """A number as people read it.

    Example:
        >>> shown(COLUMNS[0], Standing(0.9512, 0.0034, 0.01))
        '0.951 ± 0.003'
    """
    if math.isnan(one.mean):
        return ""
    mean = f"{one.mean:,.{column.digits}f}"
    return mean if one.spread is None else f"{mean} ± {one.spread:,.{column.digits}f}"


def _standing(column: Column, members: Sequence[Entry]) -> Standing:
    values = [value for entry in members if not math.isnan(value := value_of(column, entry.values))]
    if not values:
        return Standing(math.nan, None, math.inf)
    mean = statistics.fmean(values)
    if len(values) > 1:
        from scipy.stats import t

        spread = statistics.stdev(values)
        return Standing(mean, spread, float(t.ppf(0.975, len(values) - 1)) * spread / math.sqrt(len(values)))
    count = len(members[0].subject.val.features)
    return Standing(mean, None, 1.96 * math.sqrt(mean * (1 - mean) / count) if column.is_share else math.inf)
