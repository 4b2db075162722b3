"""The classes' contributions to relative local density as a metric."""

from torch import Tensor

from csl.metrics import functional
from csl.metrics.functional.relative_local_density_per_class import lowest
from csl.metrics.relative_local_density import RelativeLocalDensity


class RelativeLocalDensityPerClass(RelativeLocalDensity):
    """What each class contributes to relative local density; see the function of this name.

    The value is float64 `[T, C]`, entries from −1/4 to 1/4; a scalar, as torchmetrics makes it, for one of both. High
    is good. Logged as `lowest_class_rld_{T}`, the least contribution, one scalar a temperature. Arguments and errors
    are those of `RelativeLocalDensity`.

    Example:
        >>> import torch
        >>> metric = RelativeLocalDensityPerClass([0.1])
        >>> metric.update(torch.tensor([[0.0], [0.1], [5.0], [5.1]]), torch.tensor([3, 3, 7, 7]))
        >>> metric.compute().round(decimals=3)
        tensor([[0.2500, 0.2500]], dtype=torch.float64)
    """

    function = staticmethod(functional.relative_local_density_per_class)

    @property
    def names(self) -> tuple[str, ...]:
        """`lowest_class_rld_{T}` for each temperature."""
        return tuple(f"lowest_class_rld_{temperature}" for temperature in self.temperatures)

    def scalars(self, value: Tensor) -> dict[str, Tensor]:
        """The least contribution at each temperature."""
        return dict(zip(self.names, lowest(value.reshape(len(self.temperatures), -1)), strict=True))
