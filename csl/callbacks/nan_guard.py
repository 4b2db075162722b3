"""End a run whose loss or weights are no longer numbers, before anything bad is saved."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from csl.distributed import all_reduce, any_process, gather_rows, world
from csl.methods.run import is_every
from csl.types import Batch

_SHOWN = 16  # indices in the message; the error itself holds all
_NEVER = torch.iinfo(torch.int64).max  # the number of the first bad step while there is none


class NonFiniteLossError(ArithmeticError):
    """The training loss, or a weight, became NaN or infinite.

    Attributes:
        step: The step, counted from 1 over the whole run.
        learning_rate: The learning rate of that step.
        indices: Positions in the training set of that step's images, of all processes; none where loaders of one's own
            do not tell them.
    """

    def __init__(self, what: str, step: int, learning_rate: float, indices: list[int]) -> None:
        self.step, self.learning_rate, self.indices = step, learning_rate, indices
        shown = "; batch indices " + ", ".join(map(str, indices[:_SHOWN])) if indices else ""
        more = f", and {len(indices) - _SHOWN} more" if len(indices) > _SHOWN else ""
        super().__init__(
            f"{what} NaN or infinite at step {step} (learning rate {learning_rate:.3g}{shown}{more}). "
            "The run stops here; its last checkpoint is from before this step. Try a lower "
            "--model.optimization.lr, a longer warm-up, or --trainer.gradient_clip_val 1.0"
        )


class _Step(NamedTuple):
    """What is remembered of a step until its loss has been looked at."""

    number: int
    learning_rate: float
    indices: Tensor


class NaNGuard(Callback):
    """Stops the run at the first NaN or infinite loss and says where it was.

    The first bad step stays on the device and is read every `trainer.log_every_n_steps` steps, at the end of an epoch,
    before a validation pass and before a checkpoint is written, so that no step waits for the host and no checkpoint
    holds a bad step. A checkpoint with a weight that is NaN or infinite, as the last step before it may leave them
    although its loss was finite, is refused in the same way.

    Raises:
        NonFiniteLossError: With the step, the learning rate and the data-set indices of the batch, on every process.
    """

    def __init__(self) -> None:
        self._first_bad: Tensor | None = None
        self._steps: list[_Step] = []
        self._learning_rate = 0.0

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start watching."""
        self._first_bad = torch.full((), _NEVER, dtype=torch.int64, device=pl_module.device)
        self._steps = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Note the learning rate; after the step the schedule has moved on."""
        self._learning_rate = next(
            (float(group["lr"]) for optimizer in trainer.optimizers for group in optimizer.param_groups), 0.0
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note a bad step; read the note now and then."""
        number = trainer.fit_loop.epoch_loop.total_batch_idx + 1
        index = batch.index if isinstance(batch, Batch) else torch.empty(0, dtype=torch.int64, device=pl_module.device)
        self._steps.append(_Step(number, self._learning_rate, index))
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None:  # a training_step that returns None leaves its batch out
            self._note(loss, number)
        if is_every(trainer.log_every_n_steps, number):  # type: ignore[attr-defined]
            self._check()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the note before anything is measured."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._check()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the note before the epoch is saved."""
        self._check()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Read the note, and look at the weights, before they take the place of good ones."""
        if trainer.state.fn == "fit" and self._first_bad is not None and (last := self._check()):
            bad = _first_non_finite(pl_module)
            if any_process(bad is not None, world()):
                self._stop(last, f"{bad or 'a weight of another process'} became")

    def _note(self, loss: Tensor, number: int) -> None:
        if self._first_bad is not None:
            is_first = ~torch.isfinite(loss.detach()) & (self._first_bad == _NEVER)
            # And not `torch.where`, which copies a number to the device and waits for that.
            self._first_bad = self._first_bad.masked_fill(is_first, number)

    def _check(self) -> _Step | None:
        """Read the note and forget the good steps but the last one, which is returned."""
        if self._first_bad is None:
            return None
        first = int(all_reduce(self._first_bad, world(), "min"))
        for step in self._steps:
            if step.number == first:
                self._stop(step, "train/loss was")
        self._steps = self._steps[-1:]
        return self._steps[0] if self._steps else None

    def _stop(self, step: _Step, what: str) -> None:
        indices = gather_rows(step.indices, world()).tolist()
        raise NonFiniteLossError(what, step.number, step.learning_rate, indices)


def _first_non_finite(module: LightningModule) -> str | None:
    """The name of the first parameter with NaN or infinity in it, or buffer with NaN; masks may well be infinite."""
    for name, parameter in module.named_parameters():
        if not torch.isfinite(parameter).all():
            return name
    return next((name for name, buffer in module.named_buffers() if torch.isnan(buffer).any()), None)
