"""The panel: every measure of labelled or unlabelled features, with its family, its cost and what its value means."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from csl.metrics import functional
from csl.metrics.functional.class_affinity import share_within
from csl.metrics.functional.kmeans import LARGE
from csl.metrics.functional.relative_local_density_per_class import lowest
from csl.pairwise import Progress

GLOBAL, LOCAL, CLUSTERS, UNSUPERVISED = "Global density", "Local density", "Clusters", "Without labels"


class Choices(NamedTuple):
    """What the measures of a panel are asked for.

    Attributes:
        temperatures: T of relative local density and class affinity.
        ks: Numbers of neighbours of neighbour agreement.
    """

    temperatures: tuple[float, ...]
    ks: tuple[int, ...]


class Size(NamedTuple):
    """How much there is to measure: samples N, their dimension D, classes C."""

    samples: int
    dimension: int
    classes: int


class Measure(NamedTuple):
    """One entry of the panel.

    Attributes:
        family: The heading it stands under.
        meaning: What its value says, for a reader of the table.
        names: What its scalars are called, given the choices; the same names as in a training log.
        compute: Their values, from features `[N, D]`, labels `[N]`, choices and progress.
        cost: About how many multiplications it takes, so that a progress bar can tell the time that is left.
        labeled: Whether it looks at labels.
        in_default: Whether it belongs to the panel unless something else is asked for.
    """

    family: str
    meaning: str
    names: Callable[[Choices], Sequence[str]]
    compute: Callable[[Tensor, Tensor, Choices, Progress], Tensor]
    cost: Callable[[Size], float]
    labeled: bool = True
    in_default: bool = True


def _named(*names: str) -> Callable[[Choices], Sequence[str]]:
    return lambda choices: names


def _passes(count: float) -> Callable[[Size], float]:
    """The cost of passes over the pairs; each pair takes about as long as 150 multiplications beside its product."""
    return lambda size: count * size.samples**2 / 2 * (size.dimension + 150)


def _rows(size: Size) -> float:
    return 10.0 * size.samples * size.dimension


def _spectrum(size: Size) -> float:
    return float(size.samples * size.dimension**2 + 10 * size.dimension**3)


def _kmeans(size: Size) -> float:
    """Five starts of some 20 rounds; in batches, some rounds in all."""
    rounds = 100 if size.samples <= LARGE else 25
    return float(rounds * size.samples * size.dimension * (size.classes + 2))


MEASURES: dict[str, Measure] = {
    "calinski_harabasz": Measure(
        GLOBAL,
        "high: classes compact and far apart as wholes; 1 by chance",
        _named("calinski_harabasz"),
        lambda x, y, c, p: functional.calinski_harabasz_score(x, y),
        _rows,
    ),
    "davies_bouldin": Measure(
        GLOBAL,
        "low: no class overlaps with the next one",
        _named("davies_bouldin"),
        lambda x, y, c, p: functional.davies_bouldin_score(x, y),
        _rows,
    ),
    "silhouette": Measure(
        GLOBAL,
        "-1 to 1; high: samples nearer to their own class than to the next",
        _named("silhouette"),
        lambda x, y, c, p: functional.silhouette_score(x, y, progress=p),
        _passes(1),
    ),
    "class_distances": Measure(
        GLOBAL,
        "in units of the mean distance; low within: compact classes",
        _named("within_class_distance", "between_class_distance"),
        lambda x, y, c, p: functional.class_distances(x, y, progress=p),
        _passes(1),
    ),
    "alignment": Measure(
        GLOBAL,
        "0 to 4; low: directions of a class lie together",
        _named("alignment"),
        lambda x, y, c, p: functional.alignment(x, y),
        _rows,
    ),
    "rld": Measure(
        LOCAL,
        "-1/2 to 1; high: neighbours share their class; 0 by chance",
        lambda choices: [f"rld_{temperature}" for temperature in choices.temperatures],
        lambda x, y, c, p: functional.relative_local_density(x, y, c.temperatures, progress=p),
        _passes(2),
    ),
    "rld_per_class": Measure(
        LOCAL,
        "-1/4 to 1/4; what the weakest class adds to rld",
        lambda choices: [f"lowest_class_rld_{temperature}" for temperature in choices.temperatures],
        lambda x, y, c, p: lowest(functional.relative_local_density_per_class(x, y, c.temperatures, progress=p)),
        _passes(2),
        in_default=False,
    ),
    "class_affinity": Measure(
        LOCAL,
        "0 to 1; high: similarity stays within classes",
        lambda choices: [f"within_class_affinity_{temperature}" for temperature in choices.temperatures],
        lambda x, y, c, p: torch.stack([share_within(functional.class_affinity(x, y, t)) for t in c.temperatures]),
        _passes(2),
        in_default=False,
    ),
    "neighbor_agreement": Measure(
        LOCAL,
        "0 to 1; high: the k nearest share the class",
        lambda choices: [f"neighbor_agreement_{k}" for k in choices.ks],
        lambda x, y, c, p: functional.neighbor_agreement(x, y, c.ks, progress=p),
        _passes(3),
    ),
    "knn_accuracy": Measure(
        LOCAL,
        "0 to 1; high: weighted votes of 20 neighbours are right",
        _named("knn_accuracy_20"),
        lambda x, y, c, p: functional.knn_accuracy(x, y, progress=p),
        _passes(2),
    ),
    "plain_knn_accuracy": Measure(
        LOCAL,
        "0 to 1; high: equal votes of 20 neighbours are right",
        _named("plain_knn_accuracy_20"),
        lambda x, y, c, p: functional.knn_accuracy(x, y, temperature=None, progress=p),
        _passes(2),
        in_default=False,
    ),
    "knn_modularity": Measure(
        LOCAL,
        "-1/2 to 1; high: classes are communities of 10 neighbours; 0 by chance",
        _named("knn_modularity_10"),
        lambda x, y, c, p: functional.knn_modularity(x, y, progress=p),
        _passes(2),
    ),
    "kmeans": Measure(
        CLUSTERS,
        "0 to 1; high: k-means finds the classes",
        _named("kmeans_nmi", "kmeans_ari", "kmeans_v_measure"),
        lambda x, y, c, p: functional.kmeans_agreement(x, y),
        _kmeans,
    ),
    "rankme": Measure(
        UNSUPERVISED,
        "1 to D; high: many directions in use",
        _named("rankme"),
        lambda x, y, c, p: functional.rankme(x),
        _spectrum,
        labeled=False,
    ),
    "effective_rank": Measure(
        UNSUPERVISED,
        "1 to D; high: variance in many directions",
        _named("effective_rank"),
        lambda x, y, c, p: functional.effective_rank(x),
        _spectrum,
        labeled=False,
    ),
    "participation_ratio": Measure(
        UNSUPERVISED,
        "1 to D; high: variance evenly shared",
        _named("participation_ratio"),
        lambda x, y, c, p: functional.participation_ratio(x),
        _spectrum,
        labeled=False,
    ),
    "alpha_req": Measure(
        UNSUPERVISED,
        "about 1 is best; high: few directions; 0: white noise",
        _named("alpha_req"),
        lambda x, y, c, p: functional.alpha_req(x),
        _spectrum,
        labeled=False,
    ),
    "intrinsic_dimension": Measure(
        UNSUPERVISED,
        "high: locally spread over many directions",
        _named("intrinsic_dimension"),
        lambda x, y, c, p: functional.intrinsic_dimension(x, progress=p),
        _passes(2),
        labeled=False,
    ),
    "uniformity": Measure(
        UNSUPERVISED,
        "0 or less; low: directions cover the sphere",
        _named("uniformity"),
        lambda x, y, c, p: functional.uniformity(x, progress=p),
        _passes(1),
        labeled=False,
    ),
    "feature_std": Measure(
        UNSUPERVISED,
        "1: spread over the sphere; 0: collapsed",
        _named("feature_std"),
        lambda x, y, c, p: functional.feature_std(x),
        _rows,
        labeled=False,
    ),
}
DEFAULT = tuple(name for name, measure in MEASURES.items() if measure.in_default)
