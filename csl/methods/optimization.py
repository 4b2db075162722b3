"""How a method is optimized: optimizer, learning rate and its schedule, in one argument."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.optim import Optimizer

from csl.checks import check_range
from csl.methods.groups import Group
from csl.methods.lars import LARS
from csl.methods.schedule import Schedule
from csl.methods.stages import Stage, rate_at
from csl.modules import momentum_at

REFERENCE_BATCH = 256


@dataclass(frozen=True)
class Optimization:
    """Optimizer and learning-rate schedule.

    The learning rate is stated for a global batch of 256 images and scaled linearly by the real one (all processes
    and accumulated batches together). It rises linearly, step by step, during the warm-up and then falls along half a
    cosine to `final_lr` at the last step. Biases and norms (tensors of at most one dimension) have no weight decay,
    and LARS does not adapt their steps. A method may give some of its parameters another rate, see
    `csl.methods.Method.parameter_groups`.

    Args:
        optimizer: `lars`, `sgd` or `adamw`.
        lr: Learning rate after the warm-up, for a global batch of 256.
        weight_decay: L2 penalty; decoupled for `adamw`.
        momentum: Momentum; for `adamw` the decay of the gradient's mean (beta 1).
        warmup_epochs: Length of the warm-up (epochs); at most the whole training.
        final_lr: Learning rate at the last step, for a global batch of 256.
        final_weight_decay: Weight decay at the last step, reached along half a cosine; constant if not given.
        trust_coefficient: For `lars`: the share of a tensor's norm that a step may have.
        clip_trust: For `lars`: never step further than plain SGD would.

    Raises:
        ValueError: If a value is out of its range.

    Example:
        >>> Optimization("lars", lr=0.4).scaled_lr(global_batch=512)
        0.8
    """

    optimizer: Literal["lars", "sgd", "adamw"] = "sgd"
    lr: float = 0.1
    weight_decay: float = 1e-4
    momentum: float = 0.9
    warmup_epochs: float = 10
    final_lr: float = 0.0
    final_weight_decay: float | None = None
    trust_coefficient: float = 0.02
    clip_trust: bool = True

    def __post_init__(self) -> None:
        if self.optimizer not in ("lars", "sgd", "adamw"):
            raise ValueError(f"optimizer: expected 'lars', 'sgd' or 'adamw', got {self.optimizer!r}")
        check_range("lr", self.lr, above=0.0)
        check_range("trust_coefficient", self.trust_coefficient, above=0.0)
        for name in ("weight_decay", "warmup_epochs", "final_lr"):
            check_range(name, getattr(self, name))
        if self.final_weight_decay is not None:
            check_range("final_weight_decay", self.final_weight_decay)
        check_range("momentum", self.momentum, below=1.0)

    def scaled_lr(self, global_batch: int) -> float:
        """The learning rate after the warm-up for a global batch of this many images."""
        return self.lr * global_batch / REFERENCE_BATCH

    def build(self, groups: Iterable[Group], global_batch: int, fused: bool = False) -> Optimizer:
        """The optimizer over all groups, each divided into tensors with weight decay and tensors without.

        Args:
            groups: Those of the method, see `csl.methods.groups.complete`.
            global_batch: Images behind one step.
            fused: Whether SGD and AdamW step in one kernel; LARS needs few kernels as it is.
        """
        lr = self.scaled_lr(global_batch)
        divided = [part for group in groups for part in self._divided(group, lr)]
        if self.optimizer == "adamw":
            return torch.optim.AdamW(divided, lr, betas=(self.momentum, 0.999), fused=fused)
        if self.optimizer == "sgd":
            return _moving(torch.optim.SGD(divided, lr, momentum=self.momentum, fused=fused))
        return LARS(divided, lr, self.momentum, trust_coefficient=self.trust_coefficient, clip=self.clip_trust)

    def schedule(
        self, optimizer: Optimizer, warmup_steps: int, max_steps: int, stages: Sequence[Stage] = (Stage(),)
    ) -> Schedule:
        """The scheduler, to be stepped once after each of `max_steps` optimizer steps.

        Args:
            optimizer: What `build` made.
            warmup_steps: Length of a warm-up.
            max_steps: Length of the training.
            stages: Parts of the training with a cosine of their own; `final_lr` is reached at the end of each, times
                its rate.
        """

        def rate(step: int) -> float:
            return rate_at(stages, step, max_steps, warmup_steps, self.final_lr / self.lr)

        def decay(step: int) -> float:
            end = self.weight_decay if self.final_weight_decay is None else self.final_weight_decay
            return momentum_at(step, max_steps, self.weight_decay, end)

        return Schedule(optimizer, rate, None if self.final_weight_decay is None else decay)

    def _divided(self, group: Group, lr: float) -> list[dict[str, Any]]:
        """A group as the optimizer's: matrices and kernels first, then biases and norms."""
        parameters = list(group.parameters)
        shared = {"lr": lr * group.rate, "group": group.name, "rate": group.rate, "constant": group.constant}
        matrices = {
            "params": [p for p in parameters if p.ndim > 1],
            "name": group.name,
            "weight_decay": self.weight_decay if group.decays else 0.0,
            "decays": group.decays,
        }
        vectors = {
            "params": [p for p in parameters if p.ndim <= 1],
            "name": f"{group.name}, biases and norms",
            "weight_decay": 0.0,
            "decays": False,
            **({"adapt": False} if self.optimizer == "lars" else {}),
        }
        return [shared | part for part in (matrices, vectors) if part["params"]]


def _moving(optimizer: torch.optim.SGD) -> torch.optim.SGD:
    """Begin every velocity at 0: fused SGD fails where some have begun, as if a layer was frozen at first."""
    for group in optimizer.param_groups:
        for parameter in group["params"] if group["momentum"] else ():
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
    return optimizer
