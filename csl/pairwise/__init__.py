"""Streaming over the N×N pairs of samples in tiles: exact, in float64 sums, sharded over processes.

Distances are Euclidean; mu is their mean over all pairs. For a temperature T, `a_ij = exp(−d_ij / (mu T))`,
`r_i = Σ_{j ≠ i} a_ij` and `w_ij = N² a_ij² / (r_i r_j)`.
"""

from csl.pairwise.block_sums import ClassSums, weight_block_sums, weight_class_sums
from csl.pairwise.checks import UndefinedSimilarityError
from csl.pairwise.class_distances import ClassDistances, class_distance_sums, distances_within
from csl.pairwise.cosine import CosineKeys, top_cosine
from csl.pairwise.full_weights import FullWeights, full_weights
from csl.pairwise.precision import full_precision
from csl.pairwise.row_sums import log_row_sums, mean_distance
from csl.pairwise.sampled_sums import sampled_class_sums
from csl.pairwise.streaming import MEMORY_BUDGET, Precision, Progress, Streaming
from csl.pairwise.top_weights import top_weights

__all__ = [
    "MEMORY_BUDGET",
    "ClassDistances",
    "ClassSums",
    "CosineKeys",
    "FullWeights",
    "Precision",
    "Progress",
    "Streaming",
    "UndefinedSimilarityError",
    "class_distance_sums",
    "distances_within",
    "full_precision",
    "full_weights",
    "log_row_sums",
    "mean_distance",
    "sampled_class_sums",
    "top_cosine",
    "top_weights",
    "weight_block_sums",
    "weight_class_sums",
]
