"""Measures of how features organize samples, as pure functions.

Each takes this process's rows and, with the keyword `group`, counts the rows of all processes. Labels may be any
integers. A score that is not defined is NaN, with a warning that says why; features with NaN or infinity are refused.

Global density: `calinski_harabasz_score`, `davies_bouldin_score`, `silhouette_score`, `class_distances`,
`neural_collapse`; `classifier_collapse` with the weights of a linear classifier.
Local density: `relative_local_density`, `..._per_class` and `..._spread`, `class_affinity`, `neighbor_agreement`,
`knn_accuracy`, `knn_modularity`; `estimate_relative_local_density` where N is too large for the exact value.
One value a sample: `relative_local_density_per_sample`, `neighbor_purity`, `neighbor_margin`.
Clusters found without labels: `kmeans_agreement`, `kmeans_clusters`.
Without labels: `rankme`, `effective_rank`, `participation_ratio`, `alpha_req`, `intrinsic_dimension`, `uniformity`,
`feature_std`. With views of each image: `alignment`, `lidar`; with clusters: `clid`.
Two sets of features of the same samples: `linear_cka`, `procrustes_similarity`, `mutual_neighbors`,
`information_imbalance`.
"""

from csl.metrics.functional.alignment import alignment
from csl.metrics.functional.alpha_req import alpha_req
from csl.metrics.functional.calinski_harabasz_score import calinski_harabasz_score
from csl.metrics.functional.class_affinity import class_affinity
from csl.metrics.functional.class_distances import class_distances
from csl.metrics.functional.classifier_collapse import classifier_collapse
from csl.metrics.functional.clid import clid
from csl.metrics.functional.davies_bouldin_score import davies_bouldin_score
from csl.metrics.functional.effective_rank import effective_rank
from csl.metrics.functional.estimate_relative_local_density import estimate_relative_local_density
from csl.metrics.functional.feature_std import feature_std
from csl.metrics.functional.information_imbalance import information_imbalance
from csl.metrics.functional.intrinsic_dimension import intrinsic_dimension
from csl.metrics.functional.kmeans import kmeans_clusters
from csl.metrics.functional.kmeans_agreement import kmeans_agreement
from csl.metrics.functional.knn_accuracy import knn_accuracy
from csl.metrics.functional.knn_modularity import knn_modularity
from csl.metrics.functional.lidar import lidar
from csl.metrics.functional.linear_cka import linear_cka
from csl.metrics.functional.mutual_neighbors import mutual_neighbors
from csl.metrics.functional.neighbor_agreement import neighbor_agreement
from csl.metrics.functional.neighbor_margin import neighbor_margin
from csl.metrics.functional.neighbor_purity import neighbor_purity
from csl.metrics.functional.neural_collapse import neural_collapse
from csl.metrics.functional.participation_ratio import participation_ratio
from csl.metrics.functional.procrustes_similarity import procrustes_similarity
from csl.metrics.functional.rankme import rankme
from csl.metrics.functional.relative_local_density import relative_local_density
from csl.metrics.functional.relative_local_density_per_class import relative_local_density_per_class
from csl.metrics.functional.relative_local_density_per_sample import relative_local_density_per_sample
from csl.metrics.functional.relative_local_density_spread import relative_local_density_spread
from csl.metrics.functional.silhouette_score import silhouette_score
from csl.metrics.functional.uniformity import uniformity

__all__ = [
    "alignment",
    "alpha_req",
    "calinski_harabasz_score",
    "class_affinity",
    "class_distances",
    "classifier_collapse",
    "clid",
    "davies_bouldin_score",
    "effective_rank",
    "estimate_relative_local_density",
    "feature_std",
    "information_imbalance",
    "intrinsic_dimension",
    "kmeans_agreement",
    "kmeans_clusters",
    "knn_accuracy",
    "knn_modularity",
    "lidar",
    "linear_cka",
    "mutual_neighbors",
    "neighbor_agreement",
    "neighbor_margin",
    "neighbor_purity",
    "neural_collapse",
    "participation_ratio",
    "procrustes_similarity",
    "rankme",
    "relative_local_density",
    "relative_local_density_per_class",
    "relative_local_density_per_sample",
    "relative_local_density_spread",
    "silhouette_score",
    "uniformity",
]
