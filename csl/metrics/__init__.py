"""Measures of how features organize labelled samples, as torchmetrics that work on sharded rows.

Each class is loaded when first asked for: importing torchmetrics takes seconds and a quarter of a gigabyte, which
whoever calls `csl.metrics.functional` alone should not pay.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from csl.metrics.alignment import Alignment as Alignment
    from csl.metrics.alpha_req import AlphaReQ as AlphaReQ
    from csl.metrics.analysis import Analysis as Analysis
    from csl.metrics.analysis import analyze as analyze
    from csl.metrics.calinski_harabasz_score import CalinskiHarabaszScore as CalinskiHarabaszScore
    from csl.metrics.class_affinity import ClassAffinity as ClassAffinity
    from csl.metrics.class_distances import ClassDistances as ClassDistances
    from csl.metrics.comparison import Similarity as Similarity
    from csl.metrics.comparison import similarity as similarity
    from csl.metrics.davies_bouldin_score import DaviesBouldinScore as DaviesBouldinScore
    from csl.metrics.effective_rank import EffectiveRank as EffectiveRank
    from csl.metrics.feature_metric import FeatureMetric as FeatureMetric
    from csl.metrics.feature_metric import named_scalars as named_scalars
    from csl.metrics.feature_metric import undefined_scalars as undefined_scalars
    from csl.metrics.feature_std import FeatureStd as FeatureStd
    from csl.metrics.intrinsic_dimension import IntrinsicDimension as IntrinsicDimension
    from csl.metrics.kmeans_agreement import KMeansAgreement as KMeansAgreement
    from csl.metrics.knn_accuracy import KNNAccuracy as KNNAccuracy
    from csl.metrics.knn_modularity import KNNModularity as KNNModularity
    from csl.metrics.lidar import LiDAR as LiDAR
    from csl.metrics.neighbor_agreement import NeighborAgreement as NeighborAgreement
    from csl.metrics.neural_collapse import NeuralCollapse as NeuralCollapse
    from csl.metrics.participation_ratio import ParticipationRatio as ParticipationRatio
    from csl.metrics.rankme import RankMe as RankMe
    from csl.metrics.relative_local_density import RelativeLocalDensity as RelativeLocalDensity
    from csl.metrics.relative_local_density_per_class import (
        RelativeLocalDensityPerClass as RelativeLocalDensityPerClass,
    )
    from csl.metrics.relative_local_density_spread import (
        RelativeLocalDensitySpread as RelativeLocalDensitySpread,
    )
    from csl.metrics.rows_metric import RowsMetric as RowsMetric
    from csl.metrics.sample_scores import per_sample as per_sample
    from csl.metrics.silhouette_score import SilhouetteScore as SilhouetteScore
    from csl.metrics.uniformity import Uniformity as Uniformity

# Where each public name lives; one line here and one above for a new metric.
_HOMES = {
    "Alignment": "alignment",
    "AlphaReQ": "alpha_req",
    "Analysis": "analysis",
    "CalinskiHarabaszScore": "calinski_harabasz_score",
    "ClassAffinity": "class_affinity",
    "ClassDistances": "class_distances",
    "DaviesBouldinScore": "davies_bouldin_score",
    "EffectiveRank": "effective_rank",
    "FeatureMetric": "feature_metric",
    "FeatureStd": "feature_std",
    "IntrinsicDimension": "intrinsic_dimension",
    "KMeansAgreement": "kmeans_agreement",
    "KNNAccuracy": "knn_accuracy",
    "KNNModularity": "knn_modularity",
    "LiDAR": "lidar",
    "NeighborAgreement": "neighbor_agreement",
    "NeuralCollapse": "neural_collapse",
    "ParticipationRatio": "participation_ratio",
    "RankMe": "rankme",
    "RelativeLocalDensity": "relative_local_density",
    "RowsMetric": "rows_metric",
    "RelativeLocalDensityPerClass": "relative_local_density_per_class",
    "RelativeLocalDensitySpread": "relative_local_density_spread",
    "Similarity": "comparison",
    "SilhouetteScore": "silhouette_score",
    "Uniformity": "uniformity",
    "analyze": "analysis",
    "per_sample": "sample_scores",
    "similarity": "comparison",
    "named_scalars": "feature_metric",
    "undefined_scalars": "feature_metric",
}


if not TYPE_CHECKING:  # a type checker that saw this would accept any name

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
