"""Where in a training a measurement is made, and validation passes at moments that the trainer has none at."""

from collections.abc import Iterator
from contextlib import contextmanager

from lightning.pytorch import Trainer
from lightning.pytorch.utilities.seed import isolate_rng


def epochs_of(trainer: Trainer) -> int:
    """The epoch that a validation pass measures, from 1; 0 before anything is trained."""
    return trainer.current_epoch + 1 if trainer.global_step else 0


def moment(trainer: Trainer) -> str:
    """The epoch and the step that a validation pass measures, in words."""
    epoch, step = epochs_of(trainer), trainer.global_step
    batches = trainer.fit_loop.epoch_loop.batch_progress
    is_whole = not step or batches.is_last_batch or batches.current.ready == trainer.num_training_batches
    return f"epoch {epoch} (step {step})" if is_whole else f"step {step} (in epoch {epoch})"


def run_pass(trainer: Trainer) -> None:
    """Run a validation pass in the middle of a fit, which goes on as if there had been none."""
    with isolate_rng():  # loaders draw a number from the global generator
        trainer.validating = True
        try:
            trainer.fit_loop.epoch_loop.val_loop.run()
        finally:
            trainer.training = True


@contextmanager
def as_in_last_epoch(trainer: Trainer) -> Iterator[None]:
    """Let the trainer's counts, when a fit has ended, be those at the end of its last epoch, where passes are made."""
    steps, epochs = trainer.fit_loop.epoch_loop, trainer.fit_loop.epoch_progress.current
    steps._batches_that_stepped -= 1
    epochs.completed -= 1
    try:
        yield
    finally:
        steps._batches_that_stepped += 1
        epochs.completed += 1
