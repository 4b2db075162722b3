"""End a run whose loss is no longer a number, before anything bad is saved."""

from collections.abc import Mapping
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from csl.distributed import all_reduce, world
from csl.types import Batch


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite."""


class NaNGuard(Callback):
    """Stops the run at the first NaN or infinite loss and says where it was.

    The first bad step stays on the device and is read every `trainer.log_every_n_steps` steps, at the end of an epoch
    and before a validation pass, so that no step waits for the host and no checkpoint is written after a bad step.

    Raises:
        NonFiniteLossError: With the step, the learning rate and the data-set indices of the batch, on every process.
    """

    def __init__(self) -> None:
        self._first_bad: Tensor | None = None
        self._indices: Tensor | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start watching."""
        self._first_bad = torch.full((), torch.inf, dtype=torch.float64, device=pl_module.device)
        self._indices = None

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Note a bad step; read the note now and then."""
        step = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        self._note(outputs["loss"] if isinstance(outputs, Mapping) else outputs, step, batch.index)
        if step % trainer.log_every_n_steps == 0:  # type: ignore[attr-defined]
            self._check(trainer)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the note before anything is measured or saved."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._check(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the note before the epoch is saved."""
        self._check(trainer)

    def _note(self, loss: Tensor, step: int, indices: Tensor) -> None:
        if self._first_bad is None:
            return
        is_first = ~torch.isfinite(loss.detach()) & torch.isinf(self._first_bad)
        self._first_bad = torch.where(is_first, float(step), self._first_bad)
        self._indices = indices if self._indices is None else torch.where(is_first, indices, self._indices)

    def _check(self, trainer: Trainer) -> None:
        if self._first_bad is None:
            return
        mine = float(self._first_bad)
        first = float(all_reduce(self._first_bad, world(), "min"))
        if first == float("inf"):
            return
        rate = ", ".join(
            f"{group['lr']:.3g}" for optimizer in trainer.optimizers for group in optimizer.param_groups[:1]
        )
        rows = self._indices.tolist()[:8] if self._indices is not None and mine == first else "those of another process"
        raise NonFiniteLossError(
            f"train/loss was NaN or infinite at step {first:.0f} (learning rate now {rate}; batch indices {rows}, …). "
            "The run stops here; its last checkpoint is from before this step. Try a lower "
            "--model.optimization.lr, a longer warm-up, or --trainer.gradient_clip_val 1.0"
        )
