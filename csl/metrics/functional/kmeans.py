"""Clusters that k-means finds in the features."""

import warnings
from typing import Any

import torch
from torch import Tensor

from csl.distributed import Group, Shard, all_reduce, any_process, rank
from csl.metrics.undefined import warn_lost_digits
from csl.pairwise import center, check_features

LARGE = 20_000  # samples from which on k-means sees batches of them
_BATCH = 4096
_RESTARTS = 5
_FAR = 1_000  # times the median distance from the middle: float32 leaves four digits for distances between the others


def kmeans_clusters(features: Tensor, num_clusters: int, seed: int = 0, *, group: Group = None) -> Tensor:
    """The cluster of each of this process's samples, by k-means of the whole group's features.

    scikit-learn's KMeans, the best of 5 starts; above 20,000 samples its MiniBatchKMeans in batches of 4,096, whose
    clusters are a little worse (see Sculley, "Web-scale k-means clustering", 2010). One process works and the others
    wait; every process holds all features meanwhile, centred, in float32, and learns the same clusters.

    Args:
        features: This process's rows `[n, D]`, any floating dtype.
        num_clusters: How many clusters, from 1 to the number of samples.
        seed: Of the starting centres; no global generator is touched.
        group: The processes that hold the other rows; None for one process.

    Returns:
        Clusters `[n]`, int64, from 0; some may be empty where samples are the same.

    Raises:
        ValueError: If features are no finite matrix, or there are fewer samples than clusters.

    Example:
        >>> clusters = kmeans_clusters(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), 2)
        >>> bool(clusters[0] == clusters[1] != clusters[2]), bool(clusters[2] == clusters[3])
        (True, True)
    """
    check_features(features, group)
    shard = Shard.of(len(features), group)
    if not 1 <= num_clusters <= shard.total:
        raise ValueError(f"num_clusters: expected 1 to {shard.total}, the number of samples, got {num_clusters}")
    # Centred and scaled, for the digits of float32; that moves all centres alike.
    rows = shard.gather(center(features.detach(), group=group).values)
    lengths = rows.norm(dim=1)
    if bool(lengths.amax() > _FAR * lengths[lengths > 0].median()):
        warn_lost_digits("k-means", f"a sample is over {_FAR:,} times as far out as most, and float32 ends there")
    clusters = torch.zeros(len(rows), dtype=torch.int64, device=features.device)
    failure: Exception | None = None
    if rank(group) == 0:
        try:
            clusters += torch.from_numpy(_fit(rows, num_clusters, seed)).to(clusters)
        except Exception as error:  # the others wait for this process: they must hear of it, whatever it is
            failure = error
    if any_process(failure is not None, group):
        raise failure or RuntimeError("k-means failed on the first process of the group, whose own error says why")
    return all_reduce(clusters, group)[shard.own]


def _fit(rows: Tensor, num_clusters: int, seed: int) -> Any:
    # Imported here: scikit-learn takes a second, and few metrics need it.
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from sklearn.exceptions import ConvergenceWarning

    options = {"n_clusters": num_clusters, "random_state": seed, "n_init": _RESTARTS}
    large = len(rows) > LARGE
    model = MiniBatchKMeans(batch_size=_BATCH, **options) if large else KMeans(**options)
    with warnings.catch_warnings():
        # Fewer different samples than clusters: then some clusters are empty, which is an answer.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit_predict(rows.cpu().numpy())
