"""Learning rate and weight decay of every group of parameters, as functions of the step."""

from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler


class Schedule(LRScheduler):
    """Sets every group's learning rate and weight decay after each optimizer step.

    Only the number of steps is in a checkpoint. All else, rates and the optimizer's other options included, comes from
    the configuration, so that a resumed run goes by the values that it is resumed with.

    Args:
        optimizer: A group with `constant=True` keeps its rate; one with `decays=True` follows `decay`.
        rate: The factor of the learning rate after a number of steps.
        decay: The weight decay after a number of steps; it stays as the groups have it if None.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
        >>> schedule = Schedule(optimizer, rate=lambda step: 1 / (1 + step))
        >>> optimizer.step(), schedule.step()
        (None, None)
        >>> optimizer.param_groups[0]["lr"]
        0.05
    """

    def __init__(
        self, optimizer: Optimizer, rate: Callable[[int], float], decay: Callable[[int], float] | None = None
    ) -> None:
        self._rate, self._decay = rate, decay
        super().__init__(optimizer)
        self._options = [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups]

    def get_lr(self) -> list[Any]:
        """The learning rate of each group at the present step."""
        factor = self._rate(self.last_epoch)
        groups = zip(self.base_lrs, self.optimizer.param_groups, strict=True)
        return [base if group.get("constant") else base * factor for base, group in groups]

    def step(self, epoch: int | None = None) -> None:
        """Move on by one step."""
        super().step()
        self._set_decay()

    def state_dict(self) -> dict[str, Any]:
        """The number of steps."""
        return {"last_epoch": self.last_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go to a step; the optimizer's options become those of this configuration."""
        self.last_epoch = int(state_dict["last_epoch"])
        for group, options, rate in zip(self.optimizer.param_groups, self._options, self.get_lr(), strict=True):
            group.update(options, lr=rate)
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]
        self._set_decay()

    def _set_decay(self) -> None:
        for group in self.optimizer.param_groups:
            if self._decay is not None and group.get("decays"):
                group["weight_decay"] = self._decay(self.last_epoch)
