"""CLID: are the clusters learnable, and is the space expressive?"""

import torch
from torch import Tensor

from csl.distributed import Group
from csl.metrics.functional.intrinsic_dimension import intrinsic_dimension
from csl.metrics.functional.knn_accuracy import knn_accuracy


def clid(features: Tensor, clusters: Tensor, k: int = 10, *, group: Group = None) -> Tensor:
    """Cluster learnability and intrinsic dimension, the two parts of CLID.

    Cluster learnability, between 0 and 1, is the accuracy with which the k nearest others by cosine, each with one
    vote, predict a sample's cluster; the intrinsic dimension, 0 or more, is the TwoNN estimate. High values of both
    predict a better representation. The paper adds them after it has scaled each to the range it has among the
    *compared* models, which one model does not know: scale and add them where you compare. See Lu et al., "Using
    Representation Expressiveness and Learnability to Evaluate Self-Supervised Learning Methods" (2022, arXiv
    2206.01251). Where the paper averages the accuracy over random splits, each sample is left out once here, which
    depends on no draw.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        clusters: Their clusters `[n]`, such as `kmeans_clusters` finds them; any integers but −1.
        k: Number of neighbours.
        group: The processes that hold the other rows; None for one process.

    Returns:
        float64 `[2]`: learnability and dimension; NaN, with a warning, where one is not defined: for k of N or more,
        or as `intrinsic_dimension` has it.

    Raises:
        ValueError: If features are no finite matrix, clusters do not match or hold −1, or k is below 1.

    Example:
        >>> from csl.metrics.functional import kmeans_clusters
        >>> x = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))
        >>> learnability, dimension = clid(x, kmeans_clusters(x, 4))
        >>> bool(learnability > 0.7), bool(4 < dimension < 10)
        (True, True)
    """
    learnability = knn_accuracy(features, clusters, k, temperature=None, group=group)
    return torch.stack([learnability, intrinsic_dimension(features, group=group)])
