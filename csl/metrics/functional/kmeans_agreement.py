"""Do the clusters that k-means finds agree with the classes?"""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.kmeans import LARGE, kmeans_clusters
from csl.metrics.measure import Family, Measure, Options, Size
from csl.metrics.samples import Samples
from csl.metrics.undefined import undefined


def kmeans_agreement(
    features: Tensor, labels: Tensor, num_clusters: int | None = None, seed: int = 0, *, group: Group = None
) -> Tensor:
    """How well clusters found without labels agree with the labels: NMI, ARI and V-measure of k-means.

    Normalized mutual information and V-measure lie between 0 and 1, the adjusted Rand index between −0.5 and 1 with 0
    for chance; all are high where each class is one globally dense clump, and low where classes are spread over many
    clumps, however pure those are. V-measure is the harmonic mean of homogeneity and completeness, which is the same
    number as NMI with the arithmetic mean, scikit-learn's and ours. See Vinh, Epps, Bailey, "Information theoretic
    measures for clusterings comparison" (2010); Hubert, Arabie, "Comparing partitions" (1985); Rosenberg, Hirschberg,
    "V-measure" (2007). Clusters are `kmeans_clusters`, scores scikit-learn's.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        labels: Their classes `[n]`, any integers but −1.
        num_clusters: How many clusters; None for as many as there are classes.
        seed: Of the starting centres.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 `[3]`: NMI, ARI, V-measure; NaN, with a warning, for fewer than two classes or fewer samples than
        clusters.

    Raises:
        ValueError: If features are no finite matrix, labels do not match or hold −1, or num_clusters is below 2.

    Example:
        >>> x = torch.tensor([[0.0], [0.1], [5.0], [5.1]])
        >>> kmeans_agreement(x, torch.tensor([7, 7, 3, 3]))
        tensor([1., 1., 1.], dtype=torch.float64)
    """
    samples = Samples(features, labels, group=group)
    return KMEANS.of(samples, num_clusters=num_clusters, seed=seed)


def _options(num_clusters: int | None = None, seed: int = 0) -> Options:
    if num_clusters is not None and num_clusters < 2:
        raise ValueError(f"num_clusters: expected 2 or more, or None for the number of classes, got {num_clusters}")
    return {"num_clusters": num_clusters, "seed": seed}


def _agreement(samples: Samples, num_clusters: int | None, seed: int) -> Tensor:
    features, classes, count = samples.features, samples.classes, samples.shard.total
    wanted = num_clusters or len(classes.labels)
    if len(classes.labels) < 2:
        return undefined("k-means agreement", f"it needs at least two classes, got {len(classes.labels)}", features, 3)
    if count < wanted:
        return undefined("k-means agreement", f"there are {count} samples for {wanted} clusters", features, 3)
    clusters = kmeans_clusters(features, wanted, seed, group=samples.group)
    return _scores(classes.all, samples.shard.gather(clusters))


def _scores(labels: Tensor, clusters: Tensor) -> Tensor:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, v_measure_score

    pair = labels.cpu().numpy(), clusters.cpu().numpy()
    scores = [score(*pair) for score in (normalized_mutual_info_score, adjusted_rand_score, v_measure_score)]
    return torch.tensor(scores, dtype=torch.float64, device=labels.device)


def _cost(size: Size) -> float:
    """Five starts of some 20 rounds; in batches, some rounds in all."""
    rounds = 100 if size.samples <= LARGE else 25
    return float(rounds * size.samples * size.dimension * (size.classes + 2))


KMEANS = Measure(
    name="kmeans",
    function=kmeans_agreement,
    score=_agreement,
    options=_options,
    names=lambda **options: ["kmeans_nmi", "kmeans_ari", "kmeans_v_measure"],
    family=Family.CLUSTERS,
    meaning="0 to 1; high: k-means finds the classes",
    paper="Vinh, Epps and Bailey, 2010; Hubert and Arabie, 1985; Rosenberg and Hirschberg, 2007",
    cost=_cost,
    range=(-0.5, 1),
    higher_is_better=True,
    needs="labels",
)
