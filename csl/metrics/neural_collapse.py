"""Neural collapse as a metric."""

from csl.metrics.functional.neural_collapse import NEURAL_COLLAPSE
from csl.metrics.rows_metric import RowsMetric


class NeuralCollapse(RowsMetric):
    """How far classes have become points of a simplex; see `csl.metrics.functional.neural_collapse`.

    The value is `[4]`, logged as `nc1_variability`, `nc2_norms` and `nc2_angles`, 0 or more and 0 where classes have
    collapsed, and `nc4_nearest_mean`, from 0 to 1.

    Example:
        >>> import torch
        >>> metric = NeuralCollapse()
        >>> metric.update(torch.tensor([[1.0], [1.0], [-1.0], [-1.0]]), torch.tensor([0, 0, 1, 1]))
        >>> metric.compute()
        tensor([0., 0., 0., 1.], dtype=torch.float64)
    """

    measure = NEURAL_COLLAPSE
