"""Streaming over the N×N pairs of samples in tiles: exact, in float64 sums, sharded over processes.

Distances are Euclidean; mu is their mean over all pairs. For a temperature T, `a_ij = exp(−d_ij / (mu T))`,
`r_i = Σ_{j ≠ i} a_ij` and `w_ij = N² a_ij² / (r_i r_j)`.
"""

from csl.pairwise.block_sums import ClassSums, weight_block_sums, weight_class_sums
from csl.pairwise.blocks import blocks, in_float64
from csl.pairwise.centering import center
from csl.pairwise.checks import (
    UndefinedSimilarityError,
    check_features,
    check_finite,
    check_temperatures,
    features_fault,
    labels_fault,
    refuse,
)
from csl.pairwise.class_distances import (
    ClassDistances,
    all_distance_sums,
    class_distance_sums,
    distances_within,
    in_mean_distances,
)
from csl.pairwise.cosine import CosineKeys, top_cosine
from csl.pairwise.full_weights import FullWeights, full_weights
from csl.pairwise.labeled import LabeledPairs
from csl.pairwise.nearest import nearest
from csl.pairwise.nearest_classes import NearestClasses, nearest_classes
from csl.pairwise.pairs import Pairs
from csl.pairwise.precision import full_precision
from csl.pairwise.ranks import nearest_rows, ranks
from csl.pairwise.sample_sums import SampleSums, sample_sums
from csl.pairwise.sampled_sums import SampledSums, sampled_class_sums
from csl.pairwise.streaming import MEMORY_BUDGET, Precision, Progress, Streaming
from csl.pairwise.tiles import Tile
from csl.pairwise.top_weights import top_weights
from csl.pairwise.workers import Buffers

__all__ = [
    "MEMORY_BUDGET",
    "Buffers",
    "ClassDistances",
    "ClassSums",
    "CosineKeys",
    "FullWeights",
    "LabeledPairs",
    "NearestClasses",
    "Pairs",
    "Precision",
    "Progress",
    "SampleSums",
    "SampledSums",
    "Streaming",
    "Tile",
    "UndefinedSimilarityError",
    "all_distance_sums",
    "blocks",
    "center",
    "check_features",
    "check_finite",
    "check_temperatures",
    "class_distance_sums",
    "distances_within",
    "features_fault",
    "full_precision",
    "full_weights",
    "in_float64",
    "in_mean_distances",
    "labels_fault",
    "nearest",
    "nearest_classes",
    "nearest_rows",
    "ranks",
    "refuse",
    "sample_sums",
    "sampled_class_sums",
    "top_cosine",
    "top_weights",
    "weight_block_sums",
    "weight_class_sums",
]
