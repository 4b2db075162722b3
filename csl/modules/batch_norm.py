"""Batch normalisation over the samples of all processes, on the CPU and on CUDA."""

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from csl import distributed
from csl.distributed import Group
from csl.modules.normalization import Statistics, group_statistics, normalized


class SynchronizedBatchNorm(_BatchNorm):
    """Batch norm whose mean and variance are those of all processes' samples together, in `[N, C]` or `[N, C, ...]`.

    Processes may hold different numbers of samples, even none. Outputs, gradients and running statistics equal one
    process's on the concatenated batch. Where there is one process, and in evaluation, it is plain batch norm.
    torch's `SyncBatchNorm` refuses the CPU; on CUDA this one computes as torch's does.

    From Batch Normalization, 2015, arXiv 1502.03167.

    Args:
        num_features: Number of channels C.
        eps: Added to the variance.
        momentum: Share of a batch in the running statistics; None averages all batches evenly.
        affine: Whether to learn a scale and a shift per channel.
        track_running_stats: Whether to keep running statistics for evaluation.
        process_group: The processes to synchronise; None means all.

    Raises:
        ValueError: If there is one value a channel in training over all processes, or the input has no channel axis.

    Example:
        >>> norm = SynchronizedBatchNorm(3)
        >>> norm(torch.randn(8, 3)).mean(dim=0).abs().max() < 1e-6
        tensor(True)
    """

    # Not a subclass of torch's own class: DistributedDataParallel refuses that on the CPU.
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        process_group: Group = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats)
        self.process_group = process_group

    def forward(self, input: Tensor) -> Tensor:
        """Normalise `[N, C, ...]` per channel."""
        if input.is_cuda:
            return nn.SyncBatchNorm.forward(self, input)  # type: ignore[arg-type]  # all it needs is here
        self._check_input_dim(input)
        group: Group = self.process_group or distributed.world()
        # In evaluation processes may see different numbers of batches, so that waiting for each other could hang.
        if group is None or not self.training:
            return _BatchNorm.forward(self, input)
        statistics = group_statistics(input, group)
        if statistics.number <= 1:
            shape = list(input.shape)
            raise ValueError(f"input: expected more than 1 value per channel when training, got size {shape}")
        if self.track_running_stats:
            self._track(statistics)
        return normalized(input, self.weight, self.bias, statistics, self.eps, group)

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim < 2 or input.shape[1] != self.num_features:
            raise ValueError(f"input: expected shape [N, {self.num_features}, ...], got {list(input.shape)}")

    def _check_non_zero_input_channels(self, input: Tensor) -> None:
        """Part of torch's forward; `_check_input_dim` has seen to it."""

    @torch.no_grad()
    def _track(self, statistics: Statistics) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        mean, variance, count = statistics
        self.num_batches_tracked.add_(1)
        share = 1.0 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
        self.running_var.lerp_((variance * (count / (count - 1))).to(self.running_var.dtype), share)


class _SynchronizedBatchNormAct(SynchronizedBatchNorm):
    """timm's `BatchNormAct2d`: batch norm, then what the layer holds as `drop` and `act`."""

    drop: nn.Module
    act: nn.Module

    def forward(self, input: Tensor) -> Tensor:
        out: Tensor = self.act(self.drop(super().forward(input)))
        return out


def synchronize_batch_norm(module: nn.Module, group: Group = None) -> nn.Module:
    """The module with every batch norm in it replaced by a `SynchronizedBatchNorm` that holds the same tensors.

    State-dict keys stay as they were, and parameters stay the same objects, so that an optimizer made before still
    holds them. Children are replaced in place; only a module that is itself a batch norm comes back as a new object.

    Args:
        module: Any module.
        group: The processes to synchronise; None means all.

    Raises:
        ValueError: If a batch norm of a class we do not know is found: what else it computes would be lost.

    Example:
        >>> net = synchronize_batch_norm(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)))
        >>> type(net[1]).__name__
        'SynchronizedBatchNorm'
    """
    if isinstance(module, SynchronizedBatchNorm):
        return module
    if isinstance(module, _BatchNorm):
        return _converted(module, group)
    for name, child in module.named_children():
        setattr(module, name, synchronize_batch_norm(child, group))
    return module


def _converted(old: _BatchNorm, group: Group) -> SynchronizedBatchNorm:
    new = _replacement(old)(
        old.num_features, old.eps, old.momentum, old.affine, old.track_running_stats, process_group=group
    )
    new._parameters.update(old._parameters)
    new._buffers.update(old._buffers)
    new._modules.update(old._modules)
    return new.train(old.training)


def _replacement(old: _BatchNorm) -> type[SynchronizedBatchNorm]:
    if type(old) in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm):
        return SynchronizedBatchNorm
    if set(old._modules) == {"drop", "act"}:
        return _SynchronizedBatchNormAct
    raise ValueError(f"module: expected torch's batch norms or timm's BatchNormAct2d, got {type(old).__qualname__}")
