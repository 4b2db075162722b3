"""Measures of how features organize labelled samples, as pure functions.

Each takes this process's rows and, with the keyword `group`, counts the rows of all processes.
"""

from csl.metrics.functional.calinski_harabasz_score import calinski_harabasz_score
from csl.metrics.functional.class_affinity import class_affinity
from csl.metrics.functional.feature_std import feature_std
from csl.metrics.functional.neighbor_agreement import neighbor_agreement
from csl.metrics.functional.relative_local_density import relative_local_density

__all__ = [
    "calinski_harabasz_score",
    "class_affinity",
    "feature_std",
    "neighbor_agreement",
    "relative_local_density",
]
