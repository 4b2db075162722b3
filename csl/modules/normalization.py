"""Normalisation per channel by the statistics of all processes' samples together, in torch's fused operations."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from csl.distributed import Group, all_reduce, gather_rows, size


class Statistics(NamedTuple):
    """Of one channel each, over the samples and positions of all processes.

    Attributes:
        mean: `[C]`.
        variance: Biased `[C]`.
        number: How many values a channel has, a scalar.
    """

    mean: Tensor
    variance: Tensor
    number: Tensor


def group_statistics(input: Tensor, group: Group = None) -> Statistics:
    """Mean and variance per channel of all processes' `[N, C, ...]`, without a gradient, in float32 or better.

    Each process's own variance is around its own mean, so that no digits are lost where the mean is large.
    """
    dtype = torch.promote_types(input.dtype, torch.float32)
    channels = input.shape[1]
    own = torch.zeros(1, 2 * channels + 1, dtype=dtype, device=input.device)
    if input.numel():
        # Given running statistics of that dtype, torch does not round its results to the input's.
        like = own.new_zeros(channels)
        mean, variance = torch.batch_norm_update_stats(input.detach(), like, like.clone(), 0.0)
        own[:, :1] = input.numel() / channels  # a slice, as a number put into one element makes a GPU wait
        own[0, 1 : channels + 1], own[0, channels + 1 :] = mean, variance
    every = gather_rows(own, group, [1] * size(group))
    counts, means, variances = every[:, :1], every[:, 1 : channels + 1], every[:, channels + 1 :]
    count = counts.sum()
    mean = (counts * means).sum(dim=0) / count
    variance = (counts * (variances + (means - mean).square())).sum(dim=0) / count
    return Statistics(mean, variance, count)


def normalized(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, statistics: Statistics, eps: float, group: Group = None
) -> Tensor:
    """`(input − mean) / √(variance + eps) · weight + bias`, per channel.

    The gradient is that of one process on the concatenated batch, for the input; for weight and bias it is this
    process's part of the sum.

    Args:
        input: `[N, C, ...]`, of this process.
        weight: `[C]`, or None for 1.
        bias: `[C]`, or None for 0.
        statistics: `group_statistics` of the same input.
        eps: Added to the variance.
        group: The processes that hold the other samples.
    """
    mean = statistics.mean
    weight = torch.ones_like(mean) if weight is None else weight.to(mean.dtype)
    bias = torch.zeros_like(mean) if bias is None else bias.to(mean.dtype)
    out: Tensor = _Normalization.apply(input, weight, bias, *statistics, eps, group)
    return out


class _Normalization(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, input: Tensor, weight: Tensor, bias: Tensor, *rest: Any) -> Tensor:
        mean, variance, count, eps, group = rest
        ctx.save_for_backward(input, weight, mean, variance, count)
        ctx.eps, ctx.group = eps, group
        if not input.numel():
            return input.clone()  # torch's operations fail on a process that has no samples
        out, _, _ = torch.native_batch_norm(input, weight, bias, mean, variance, False, 0.0, eps)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        input, weight, mean, variance, count = ctx.saved_tensors
        if not input.numel():
            all_reduce(mean.new_zeros(2, len(mean)), ctx.group)
            return gradients[0].clone(), torch.zeros_like(weight), torch.zeros_like(weight), *[None] * 5
        # As if the statistics were constants; what they owe to the input is taken off below.
        by_input, by_weight, by_bias = torch.ops.aten.native_batch_norm_backward(
            gradients[0], input, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        slope, shift = all_reduce(torch.stack([by_weight, by_bias]), ctx.group) / count
        gain = weight * torch.rsqrt(variance + ctx.eps)
        # (slope · normalised input + shift) · gain, in one operation that takes the mean off first.
        owed, _, _ = torch.native_batch_norm(input, slope * gain, shift * gain, mean, variance, False, 0.0, ctx.eps)
        return by_input.sub_(owed), by_weight, by_bias, *[None] * 5
