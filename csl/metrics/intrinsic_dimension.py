"""Intrinsic dimension as a metric."""

from csl.metrics.functional.intrinsic_dimension import INTRINSIC_DIMENSION
from csl.metrics.rows_metric import RowsMetric


class IntrinsicDimension(RowsMetric):
    """TwoNN estimate of the dimension of the features; see `csl.metrics.functional.intrinsic_dimension`.

    Labels are taken for the sake of one signature and not looked at. Logged as `intrinsic_dimension`: a scalar of 0 or
    more, high where features are locally spread over many directions; neither end is good by itself.

    Example:
        >>> import torch
        >>> metric = IntrinsicDimension()
        >>> metric.update(torch.tensor([[0.0], [1.0], [3.0]]), torch.zeros(3, dtype=torch.int64))
        >>> metric.compute().round(decimals=3)
        tensor(1.3650, dtype=torch.float64)
    """

    measure = INTRINSIC_DIMENSION
