"""Do the clusters that k-means finds agree with the classes?"""

import torch
from torch import Tensor

from csl.distributed import Group, gather_rows, row_counts
from csl.metrics.functional.helpers import check_input, class_index, undefined
from csl.metrics.functional.kmeans import kmeans_clusters


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
    check_num_clusters(num_clusters)
    check_input(features, labels, group)
    index, classes = class_index(labels.to(features.device), group)
    count, wanted = sum(row_counts(len(features), group)), num_clusters or len(classes)
    if len(classes) < 2:
        return undefined("k-means agreement", f"it needs at least two classes, got {len(classes)}", features, 3)
    if count < wanted:
        return undefined("k-means agreement", f"there are {count} samples for {wanted} clusters", features, 3)
    clusters = kmeans_clusters(features, wanted, seed, group=group)
    return _scores(gather_rows(index, group), gather_rows(clusters, group))


def check_num_clusters(num_clusters: int | None) -> None:
    """Refuse fewer than two clusters.

    Raises:
        ValueError: With what came.
    """
    if num_clusters is not None and num_clusters < 2:
        raise ValueError(f"num_clusters must be 2 or more, or None for the number of classes, got {num_clusters}")


def _scores(labels: Tensor, clusters: Tensor) -> Tensor:
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, v_measure_score

    pair = labels.cpu().numpy(), clusters.cpu().numpy()
    scores = [score(*pair) for score in (normalized_mutual_info_score, adjusted_rand_score, v_measure_score)]
    return torch.tensor(scores, dtype=torch.float64, device=labels.device)
