"""What a method's loss says of one batch."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

Keep = Tensor | tuple[Tensor, ...] | None


class Step(NamedTuple):
    """A loss with what else a method wants to say of the batch.

    Attributes:
        loss: The scalar to be minimized.
        keep: What `Method.after_step` is to be given once the optimizer has stepped, such as keys for a queue: a tensor
            whose first dimension is rows, or a tuple of them. It comes back without graph, in float32 or better.
        scalars: Further numbers to log as `train/<name>`, each a mean over this process's images.

    Example:
        >>> Step(torch.tensor(0.5), scalars={"accuracy": torch.tensor(1.0)}).keep is None
        True
    """

    loss: Tensor
    keep: Keep = None
    scalars: Mapping[str, Tensor] = MappingProxyType({})


def as_step(result: Tensor | Step) -> Step:
    """A plain loss, or a step, as a step whose kept tensors hold no graph and no half precision."""
    step = result if isinstance(result, Step) else Step(result)
    kept = step.keep if isinstance(step.keep, tuple) else (step.keep,)
    if not isinstance(step.loss, Tensor):
        raise TypeError(f"training_loss: expected a scalar tensor or a csl.methods.Step, got {type(result).__name__}")
    if step.loss.numel() != 1:
        shape = list(step.loss.shape)
        raise ValueError(f"training_loss: expected one number for a batch, got a loss of shape {shape}")
    if not all(part is None or isinstance(part, Tensor) for part in kept):
        raise TypeError(f"Step.keep: expected a tensor or a tuple of tensors, got {type(step.keep).__name__}")
    if "loss" in step.scalars:
        raise ValueError("Step.scalars: expected other names than 'loss', which is the loss itself")
    keep = step.keep
    if isinstance(keep, tuple):
        return step._replace(keep=tuple(map(_kept, keep)))
    return step._replace(keep=None if keep is None else _kept(keep))


def joined(kept: Iterable[Keep]) -> Keep:
    """What several batches kept, as if they had been one batch.

    Example:
        >>> joined([(torch.zeros(2), torch.zeros(2, 5)), (torch.ones(3), torch.ones(3, 5))])[1].shape
        torch.Size([5, 5])
    """
    parts = [keep for keep in kept if keep is not None]
    if not parts:
        return None
    if isinstance(parts[0], Tensor):
        return _rows(parts)
    return tuple(_rows(column) for column in zip(*parts, strict=True))


def _rows(parts: Iterable[Tensor | tuple[Tensor, ...]]) -> Tensor:
    tensors = [part for part in parts if isinstance(part, Tensor)]
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors)


def _kept(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
