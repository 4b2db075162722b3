"""Measures of how features organize labelled samples, as torchmetrics that work on sharded rows."""

from csl.metrics.calinski_harabasz_score import CalinskiHarabaszScore
from csl.metrics.class_affinity import ClassAffinity
from csl.metrics.feature_metric import FeatureMetric, named_scalars, undefined_scalars
from csl.metrics.feature_std import FeatureStd
from csl.metrics.neighbor_agreement import NeighborAgreement
from csl.metrics.relative_local_density import RelativeLocalDensity

__all__ = [
    "CalinskiHarabaszScore",
    "ClassAffinity",
    "FeatureMetric",
    "FeatureStd",
    "NeighborAgreement",
    "RelativeLocalDensity",
    "named_scalars",
    "undefined_scalars",
]
