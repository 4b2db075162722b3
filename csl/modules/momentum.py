"""A slowly moving copy of a module: the momentum (target, teacher) network of MoCo, BYOL and their kin."""

from copy import deepcopy
from typing import TypeVar, cast

import torch
from lightly.utils.scheduler import cosine_schedule
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd
from torchvision.ops import StochasticDepth

M = TypeVar("M", bound=nn.Module)
_SHARES = ("dropout", "attention_dropout", "drop_prob", "drop_rate")


def momentum_copy(module: M) -> M:
    """A copy whose parameters are not trained, but moved towards the original's by `update_momentum`.

    Its batch norm is its own: in training mode it normalises by the batch it sees and keeps running statistics of
    that, as MoCo and BYOL do. Copied or averaged statistics would describe the activations of other weights.

    It drops nothing at random, whatever share the original drops: targets with dropout may differ more from one
    pass to the next than from one image to another. DINO's teacher has no drop path either.

    From MoCo, 2020, arXiv 1911.05722, and BYOL, 2020, arXiv 2006.07733.

    Args:
        module: The original, such as an encoder or a projection head.

    Example:
        >>> any(parameter.requires_grad for parameter in momentum_copy(nn.Linear(2, 2)).parameters())
        False
    """
    for part in module.modules():
        for name, value in vars(part).items():
            # What `weight_norm` computes anew in each pass: it belongs to a graph, which cannot be copied.
            if isinstance(value, Tensor) and not value.is_leaf:
                setattr(part, name, value.detach())
    copy = deepcopy(module).requires_grad_(False)
    for part in copy.modules():
        for name in _shares_dropped(part):
            setattr(part, name, 0.0)
    return copy


@torch.no_grad()
def update_momentum(copy: nn.Module, original: nn.Module, momentum: float) -> None:
    """Move a copy's parameters towards the original's; to be called once after an optimizer step.

        ξ ← m ξ + (1 − m) θ        ξ: the copy's parameters, θ: the original's, m: the momentum

    Buffers, such as batch-norm statistics, stay the copy's own.

    Args:
        copy: What `momentum_copy` made.
        original: What it made it of.
        momentum: m.

    Raises:
        ValueError: If the momentum is outside 0 to 1, or the modules have other parameters.

    Example:
        >>> online = nn.Linear(2, 2)
        >>> target = momentum_copy(online)
        >>> _ = online.weight.data.add_(1.0)
        >>> update_momentum(target, online, momentum=0.9)
        >>> bool(torch.allclose(online.weight - target.weight, torch.tensor(0.9)))
        True
    """
    if not 0.0 <= momentum <= 1.0:
        raise ValueError(f"momentum: expected a number from 0 to 1, got {momentum}")
    moving, goal = dict(copy.named_parameters()), dict(original.named_parameters())
    if {k: v.shape for k, v in moving.items()} != {k: v.shape for k, v in goal.items()}:
        raise ValueError("original: expected the module that was copied; their parameters differ in name or shape")
    torch._foreach_lerp_(list(moving.values()), [goal[name] for name in moving], 1.0 - momentum)


def momentum_at(step: int, max_steps: int, start: float, end: float = 1.0) -> float:
    """The momentum after optimizer step `step` of `max_steps` (from 0): half a cosine from `start` to `end`.

    `start` at the first step, `end` at the last and after it. From BYOL, 2020, arXiv 2006.07733.

    Example:
        >>> [round(momentum_at(step, 5, start=0.9), 3) for step in range(5)]
        [0.9, 0.915, 0.95, 0.985, 1.0]
    """
    return cast(float, cosine_schedule(min(step, max_steps), max_steps, start, end))


def _shares_dropped(part: nn.Module) -> list[str]:
    """The attributes that say how much a layer of torch, torchvision or timm drops at random."""
    if isinstance(part, _DropoutNd | StochasticDepth):
        return ["p"]
    if type(part).__name__ == "PatchDropout":
        return ["prob"]
    return [name for name in _SHARES if isinstance(vars(part).get(name), float)]
