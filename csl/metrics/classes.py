"""The class of each declared measure, found among what `csl.metrics` exports."""

from collections.abc import Callable

from torch import Tensor

import csl.metrics
from csl.metrics.declared_metric import DeclaredMetric


def metric_classes() -> dict[Callable[..., Tensor], type[DeclaredMetric]]:
    """The exported classes by the functions that their measures belong to.

    Example:
        >>> from csl.metrics.functional import rankme
        >>> metric_classes()[rankme].__name__
        'RankMe'
    """
    exported = [getattr(csl.metrics, name) for name in dir(csl.metrics) if name[0].isupper()]
    found = [one for one in exported if isinstance(one, type) and issubclass(one, DeclaredMetric)]
    return {one.measure.function: one for one in found if hasattr(one, "measure")}
