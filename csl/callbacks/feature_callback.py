"""What measures features at the end of a validation pass, and how it is named and called."""

from collections.abc import Mapping, Sequence

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

from csl.callbacks.failures import reason_of
from csl.callbacks.moment import epochs_of
from csl.distributed import world
from csl.randomness import seeded
from csl.types import Split


class FeatureSource(Callback):
    """Base of what calls every `FeatureCallback` of a trainer; one has to be there."""


class FeatureCallback(Callback):
    """Base of everything that measures features at the end of a validation pass.

    Subclass it, write `on_features`, and add it to `trainer.callbacks` beside a `FeatureCollector`. The hook runs
    with gradients enabled and in a fork of all random generators, so that nothing it draws can change the training.
    Nor can an error in it end a fit on one process: it becomes a warning, and the callback is called again at the
    next pass. Outside a fit, and on several processes, which wait for each other, it is raised.

    Args:
        every_n: Run at every n-th validation pass, and always at the last one of a fit (passes).

    Attributes:
        outputs: The outputs of the method that `on_features` is to be given, such as "projection_head"; "encoder" is
            always there.

    Raises:
        ValueError: If `every_n` is not positive, or, before anything is trained, if the method has no such output.

    Example:
        >>> class MeanNorm(FeatureCallback):
        ...     def on_features(self, trainer, module, features):
        ...         norm = features["encoder"].val.values.norm(dim=1).mean()
        ...         module.log("val/mean_norm", norm, sync_dist=True)
        >>> MeanNorm(every_n=5).every_n
        5
    """

    every_n: int = 1
    outputs: Sequence[str] = ("encoder",)

    def __init__(self, every_n: int = 1) -> None:
        if every_n < 1:
            raise ValueError(f"every_n: expected a positive number of validation passes, got {every_n}")
        self.every_n = every_n

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Measure. Called on every process with the rows that it owns.

        Args:
            trainer: The running trainer.
            module: The method; `module.log` works here.
            features: One `Split(train, val)` for each output that the trainer's callbacks want, "encoder" first. `val`
                is the held-out set: the test images in `csl test`. `train` is None where there is no reference set.
        """
        raise NotImplementedError(f"{type(self).__name__} has no on_features(trainer, module, features)")

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse a trainer in which nobody would ever call us."""
        if not any(isinstance(callback, FeatureSource) for callback in trainer.callbacks):  # type: ignore[attr-defined]
            raise ValueError(
                f"callbacks: {type(self).__name__} needs a FeatureCollector in the same list; "
                "add csl.callbacks.FeatureCollector() before it"
            )


def numbered(callbacks: Sequence[FeatureCallback]) -> dict[str, FeatureCallback]:
    """Each with a name of its own: its class's, with a number where there are several of one class."""
    classes = [type(callback).__name__ for callback in callbacks]
    numbers = [f"_{classes[: i + 1].count(name)}" if classes.count(name) > 1 else "" for i, name in enumerate(classes)]
    return {f"{name}{number}": one for name, number, one in zip(classes, numbers, callbacks, strict=True)}


def monitors_of(trainer: Trainer) -> list[FeatureCallback]:
    """The callbacks of a trainer that measure features, in its order."""
    return [callback for callback in trainer.callbacks if isinstance(callback, FeatureCallback)]  # type: ignore[attr-defined]


def call(callback: FeatureCallback, features: Mapping[str, Split], trainer: Trainer, module: LightningModule) -> None:
    """Run one callback where gradients work and where nothing it draws is seen outside."""
    stream = seeded("monitor", type(callback).__qualname__, trainer.current_epoch)
    try:
        with stream, torch.inference_mode(False), torch.enable_grad():
            callback.on_features(trainer, module, features)
    except Exception as error:
        if trainer.state.fn != "fit" or world() is not None:
            raise
        rank_zero_warn(
            f"{type(callback).__name__} failed and measured nothing in epoch {epochs_of(trainer)}; the training "
            f"goes on. {reason_of(error)}"
        )
