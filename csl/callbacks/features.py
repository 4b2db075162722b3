"""One pass of clean features over both evaluation sets, handed to every callback that measures something on them."""

from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn

from csl.callbacks.feature_callback import FeatureCallback, FeatureSource, call, monitors_of, numbered
from csl.callbacks.freshness import Freshness, pass_over_stale
from csl.callbacks.moment import as_in_last_epoch, moment, run_pass
from csl.callbacks.repeats import num_images, unrepeated
from csl.callbacks.rows import Rows
from csl.callbacks.scalars import log_scalars
from csl.callbacks.stopwatch import Stopwatch
from csl.methods import Method
from csl.types import Features, Split


class FeatureCollector(FeatureSource):
    """Gathers what `validation_step` returns and calls every `FeatureCallback` of the trainer once a pass.

    A process keeps the rows it encoded; the evaluation samplers give each sample to exactly one process. The sanity
    check and passes over a part of the data (`limit_val_batches`) are not measured: a number from a part of a set is
    not comparable with one from the whole. Only `fast_dev_run` tries the monitors on the part that it has.

    Loaders of one's own may be two, of the reference set and of the held-out set, or one of the held-out set alone;
    then what needs a reference set, such as probes, is not measured.

    The end of a fit is always measured, whatever ends it: if the trainer makes no validation pass there, or one in
    which some monitors were not due, one more is made, whose scalars are logged at the last step.

    A `ModelCheckpoint` or an `EarlyStopping` that monitors something does nothing in an epoch in which it was not
    measured.

    What measuring costs is logged too: `wall_seconds/features` for the pass itself and `wall_seconds/<callback>` for
    each callback (numbered where a class is there twice); TensorBoard sorts these below the measures. At the end of a
    fit one line says what share of it that was.

    Args:
        untrained: Measure before the first step, too; those scalars are logged at step 0.

    Attributes:
        measured: Of which epoch and step the last measurements are, in words; empty before the first.

    Example:
        >>> FeatureCollector(untrained=True).measured
        ''
    """

    def __init__(self, untrained: bool = False) -> None:
        self.untrained, self.measured = untrained, ""
        self._fresh = Freshness()
        self._ran: dict[str, int] = {}
        self._is_extra = False
        self._rows: tuple[dict[str, Rows], ...] = ({}, {})
        self._passes = 0
        self._started = perf_counter()
        self._watch = Stopwatch()

    def state_dict(self) -> dict[str, Any]:
        """The number of passes so far, so that `every_n` goes on counting after a resume, and what they measured."""
        return {"passes": self._passes, "scalars": self._fresh.names}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the count of passes, and what they measured."""
        self._passes = int(state_dict["passes"])
        self._fresh = Freshness(state_dict.get("scalars", ()))

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the method what is to be measured; refuse what it does not have, before anything is trained."""
        pass_over_stale(trainer.callbacks, self.is_stale)  # type: ignore[attr-defined]
        if not isinstance(pl_module, Method):
            return
        known = pl_module.output_names()
        for callback in monitors_of(trainer):
            if unknown := [name for name in callback.outputs if name not in known]:
                raise ValueError(
                    f"outputs: {type(callback).__name__} expected some of {', '.join(known)}, which "
                    f"{type(pl_module).__name__} has, got {', '.join(unknown)}"
                )
        pl_module.measure({name for callback in monitors_of(trainer) for name in callback.outputs})

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._watch, self._ran, self._is_extra = Stopwatch(), {}, False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse loaders that no pass could measure; measure the untrained network, if that is asked for."""
        if trainer.val_dataloaders is not None:
            _loaders(trainer)
        if self.untrained and trainer.enable_validation and not trainer.global_step:
            self._run_extra_pass(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure what the last pass has not, before the last checkpoint gets its name."""
        left = any(self._ran.get(name) != trainer.global_step for name in numbered(monitors_of(trainer)))
        if left and trainer.enable_validation:
            with as_in_last_epoch(trainer):
                self._run_extra_pass(trainer)

    def is_stale(self, trainer: Trainer, name: str | None) -> bool:
        """Whether a scalar is one that passes measure, and was not measured on the present weights."""
        return self._fresh.is_stale(name, trainer.global_step)

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the last pass."""
        self._rows = ({}, {})
        self._started = perf_counter()

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep one batch of features."""
        if trainer.sanity_checking:
            return
        rows, num_batches = self._rows[dataloader_idx], len(_loaders(trainer)[dataloader_idx])
        for name, part in _checked(outputs, pl_module).items():
            rows.setdefault(name, Rows(num_batches)).add(part)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Hand the features to the callbacks that are due."""
        if trainer.sanity_checking:
            return
        monitors = numbered(monitors_of(trainer))
        if self._is_partial(trainer):
            self._ran |= dict.fromkeys(monitors, trainer.global_step)  # no other pass would see more
            return
        self._passes += not self._is_extra
        if due := {name: one for name, one in monitors.items() if self._is_due(name, one, trainer)}:
            self._measure(due, trainer, pl_module)
        self._fresh.note(trainer._logger_connector.metrics["callback"], trainer.global_step)
        self._rows = ({}, {})

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what share of the fit was spent on measuring."""
        if line := self._watch.report():
            rank_zero_info(line)

    on_test_epoch_start = on_validation_epoch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end

    def _features(self, trainer: Trainer) -> dict[str, Split]:
        """The rows of this process by output, each of the evaluation sets' samples once among all processes."""
        *reference, (val, num_val) = zip(self._rows, map(num_images, _loaders(trainer)), strict=False)
        return {
            name: Split(
                next((unrepeated(rows[name].all(), count) for rows, count in reference), None),
                unrepeated(val[name].all(), num_val),
            )
            for name in val
        }

    def _run_extra_pass(self, trainer: Trainer) -> None:
        """A pass that is not counted, so that a run that is extended later counts like one that never ended there."""
        self._is_extra = True
        run_pass(trainer)
        self._is_extra = False

    def _measure(self, due: Mapping[str, FeatureCallback], trainer: Trainer, module: LightningModule) -> None:
        """Call those that are due, and log what they took."""
        with self._watch.timed("features", module.device, since=self._started):
            features = self._features(trainer)
        for name, callback in due.items():
            with self._watch.timed(name, module.device):
                call(callback, features, trainer, module)
            self._ran[name] = trainer.global_step
        self.measured = moment(trainer)
        seconds = {f"wall_seconds/{name}": value for name, value in self._watch.lap().items()}
        log_scalars(module, seconds, progress_bar=())

    def _is_due(self, name: str, callback: FeatureCallback, trainer: Trainer) -> bool:
        if self._is_extra:
            return self._ran.get(name) != trainer.global_step
        return (self._passes - 1) % callback.every_n == 0 or is_last_pass(trainer)

    def _is_partial(self, trainer: Trainer) -> bool:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return False
        limits = trainer.num_test_batches if trainer.testing else trainer.num_val_batches
        if all(limit >= len(loader) for limit, loader in zip(limits, _loaders(trainer), strict=True)):
            return False
        rank_zero_warn(f"{type(self).__name__}: this pass sees only a part of the evaluation sets and is not measured")
        return True


def _loaders(trainer: Trainer) -> Sequence[Any]:
    """The loaders of the evaluation sets: of the reference set and the held-out set, or of the latter alone.

    Raises:
        ValueError: If there is another number of them.
    """
    loaders: Any = trainer.test_dataloaders if trainer.testing else trainer.val_dataloaders
    found = tuple(loaders) if isinstance(loaders, list | tuple) else (loaders,)
    if not 1 <= len(found) <= 2:
        hook = "test_dataloader" if trainer.testing else "val_dataloader"
        raise ValueError(
            f"{hook}: expected two loaders, of the reference set that probes learn from and of the held-out set, or "
            f"one of the held-out set alone, got {len(found)}"
        )
    return found


def is_last_pass(trainer: Trainer) -> bool:
    """Whether no validation pass will follow this one: outside a fit, or in the last epoch of one."""
    if trainer.state.fn != "fit":
        return True
    steps, epochs = trainer.max_steps, trainer.max_epochs
    return (steps != -1 and trainer.global_step >= steps) or (
        epochs not in (None, -1) and trainer.current_epoch + 1 >= int(epochs or 0)
    )


def _checked(outputs: Any, module: LightningModule) -> Mapping[str, Features]:
    if isinstance(outputs, Mapping) and outputs and all(isinstance(part, Features) for part in outputs.values()):
        return outputs
    raise TypeError(
        f"{type(module).__name__}.validation_step: expected it to return a dict of csl.types.Features by output name, "
        f"got {type(outputs).__name__}; derive from csl.methods.Method or return {{'encoder': Features(...)}}"
    )
