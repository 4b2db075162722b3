"""What every metric of features has in common, and how its value becomes named scalars."""

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

import torch
from torch import Tensor
from torchmetrics import Metric

from csl.distributed import Group, row_counts, world
from csl.pairwise import features_fault, labels_fault


class FeatureMetric(Metric):
    """A metric over features and labels whose states stay where they are.

    Features may be big, so torchmetrics' synchronisation, which gathers every state on every process, is replaced:
    "synced" means that `compute` works through the process group on each process's own rows. As with any metric,
    each row must be given to one process only, `sync_on_compute=False` computes on this process's rows alone, and
    `compute` is to be called by all processes.

    Args:
        **kwargs: The arguments of `torchmetrics.Metric`.

    Example:
        >>> from csl.distributed import all_reduce
        >>> class LargestNorm(FeatureMetric):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.add_state("largest", torch.tensor(0.0), dist_reduce_fx=None)
        ...     def update(self, features, labels):
        ...         self.largest = torch.maximum(self.largest, features.norm(dim=1).amax())
        ...     def compute(self):
        ...         return all_reduce(self.largest, self.group, "max")
        >>> metric = LargestNorm()
        >>> metric.update(torch.tensor([[3.0, 4.0], [0.0, 1.0]]), torch.tensor([0, 1]))
        >>> named_scalars(metric, metric.compute())
        {'largest_norm': tensor(5.)}
    """

    full_state_update = False
    is_differentiable = False

    @property
    def names(self) -> tuple[str, ...]:
        """What the scalars of this metric are called in a log; known before anything is computed."""
        return (_snake_case(type(self).__name__).removesuffix("_score"),)

    def scalars(self, value: Tensor) -> dict[str, Tensor]:
        """The value that `compute` returned as scalars for a log, by name."""
        return dict(zip(self.names, value.reshape(-1), strict=True))

    def sync(
        self,
        dist_sync_fn: Callable[..., Any] | None = None,
        process_group: Any = None,
        should_sync: bool = True,
        distributed_available: Callable[[], bool] | None = None,
    ) -> None:
        """From now on compute over the rows of all processes; nothing is sent yet."""
        available = distributed_available or self.distributed_available_fn
        self._is_synced = should_sync and bool(available())

    def unsync(self, should_unsync: bool = True) -> None:
        """Compute over this process's rows again."""
        self._is_synced = self._is_synced and not should_unsync

    @property
    def group(self) -> Group:
        """The processes to compute with; None where this process computes alone."""
        return cast(Group, self.process_group) or world() if self._is_synced else None

    def _check_form(self, features: Tensor, labels: Tensor) -> None:
        """Refuse a batch whose form alone is wrong, in the words of the functions; nothing crosses the processes."""
        if fault := features_fault(features) or labels_fault(features, labels):
            raise ValueError(fault)

    def _rows(self, parts: list[Tensor], **empty: Any) -> Tensor:
        """One tensor of all rows in a list state, of as many columns as other processes have if there are none."""
        own_width = parts[0].shape[1] if parts else 0
        width = max(row_counts(own_width, self.group))
        return torch.cat(parts) if parts else torch.empty(0, width, device=self.device, **empty)

    def _column(self, parts: list[Tensor], dtype: torch.dtype) -> Tensor:
        """One vector of all entries in a list state."""
        return torch.cat(parts) if parts else torch.empty(0, dtype=dtype, device=self.device)


def named_scalars(metric: Metric, value: Any) -> dict[str, Tensor]:
    """A metric's computed value as scalars for a log, by name, for any metric of torchmetrics.

    Args:
        metric: A `FeatureMetric`, which names its own; any other metric is called by its class's name.
        value: What its `compute` returned: a scalar, a vector (its entries are numbered), or a mapping.

    Raises:
        ValueError: If the value is neither.

    Example:
        >>> from torchmetrics import MeanMetric
        >>> named_scalars(MeanMetric(), torch.tensor(0.5))
        {'mean_metric': tensor(0.5000)}
    """
    if isinstance(metric, FeatureMetric):
        return metric.scalars(value)
    name = _snake_case(type(metric).__name__)
    if isinstance(value, Mapping):
        return {str(key): torch.as_tensor(entry) for key, entry in value.items()}
    tensor = torch.as_tensor(value)
    if tensor.ndim > 1:
        raise ValueError(f"{name}: expected scalars or vectors to log, got shape {tuple(tensor.shape)}")
    return {name: tensor} if tensor.ndim == 0 else {f"{name}_{i}": entry for i, entry in enumerate(tensor)}


def undefined_scalars(metric: Metric) -> dict[str, Tensor]:
    """NaN under every name that the metric's scalars have, for a log where it could not be computed.

    Example:
        >>> from torchmetrics import MeanMetric
        >>> undefined_scalars(MeanMetric())
        {'mean_metric': tensor(nan)}
    """
    names = metric.names if isinstance(metric, FeatureMetric) else (_snake_case(type(metric).__name__),)
    return {name: torch.tensor(torch.nan) for name in names}


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
