"""Layer-wise adaptive rate scaling."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class LARS(Optimizer):
    """SGD with momentum whose step for each adapted tensor w with gradient g is scaled by what w can bear.

        g' = g + weight_decay * w
        s = trust_coefficient * |w| / (|g| + weight_decay * |w|)      (1 where |w| or |g| is 0)
        v <- momentum * v + s * g'            w <- w - lr * v

    With `clip`, s is at most 1 / `lr` before it is used as `min(s / lr, 1)`, so that an update is never larger than
    plain SGD's at the same rate; the published recipes for small images are of this form. Parameter groups with
    `adapt=False`, meant for biases and norms, take plain SGD steps.
    lightly's LARS has no clipping and asks the device for two norms a tensor, which stalls a GPU in every step.
    timm's `Lars(trust_clip=True, always_adapt=True, eps=0)` takes the same steps; but timm is optional here, and the
    default method is trained with LARS.

    From Large Batch Training of Convolutional Networks, 2017, arXiv 1708.03888.

    Args:
        params: Parameters or parameter groups.
        lr: Learning rate.
        momentum: Momentum of the velocity v.
        weight_decay: L2 penalty.
        trust_coefficient: The share of |w| that a step may have, at `lr=1` without clipping.
        clip: Whether to take `min(s / lr, 1)` for s.
        adapt: Whether to scale at all; usually set per group.

    Example:
        >>> weight = torch.nn.Parameter(torch.ones(4))
        >>> weight.grad = torch.full((4,), 100.0)
        >>> LARS([weight], lr=1.0, trust_coefficient=0.01, momentum=0.0).step()
        >>> weight.data
        tensor([0.9900, 0.9900, 0.9900, 0.9900])
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust_coefficient: float = 0.001,
        clip: bool = False,
        adapt: bool = True,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "weight_decay": weight_decay,
                "trust_coefficient": trust_coefficient,
                "clip": clip,
                "adapt": adapt,
            },
        )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step; `closure` recomputes the loss and its gradients first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if weights:
                self._step_group(group, weights)
        return loss

    def _step_group(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        updates = list(torch._foreach_add(gradients, weights, alpha=group["weight_decay"]))
        if group["adapt"]:
            torch._foreach_mul_(updates, _scales(group, weights, gradients))
        velocities = [self._velocity(weight) for weight in weights]
        torch._foreach_mul_(velocities, group["momentum"])
        torch._foreach_add_(velocities, updates)
        torch._foreach_add_(weights, velocities, alpha=-group["lr"])

    def _velocity(self, weight: Tensor) -> Tensor:
        state = self.state[weight]
        if "velocity" not in state:
            state["velocity"] = torch.zeros_like(weight)
        velocity: Tensor = state["velocity"]
        return velocity


def _scales(group: dict[str, Any], weights: list[Tensor], gradients: list[Tensor]) -> list[Tensor]:
    """The factor s of each tensor, without asking the device for a value."""
    weight_norms = torch.stack(torch._foreach_norm(weights))
    gradient_norms = torch.stack(torch._foreach_norm(gradients))
    bound = gradient_norms + group["weight_decay"] * weight_norms
    scale = group["trust_coefficient"] * weight_norms / bound.clamp_min(torch.finfo(bound.dtype).tiny)
    if group["clip"]:
        scale = (scale / group["lr"]).clamp_max(1.0) if group["lr"] > 0 else torch.ones_like(scale)
    usable = (weight_norms > 0) & (gradient_norms > 0)
    return list(scale.masked_fill(~usable, 1.0).unbind())
