"""What the encoder of a checkpoint makes of its run's images."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer

from csl.callbacks import FeatureCollector
from csl.callbacks.channels_last import ChannelsLast
from csl.callbacks.feature_callback import FeatureCallback
from csl.data import ImageDataModule
from csl.encoders.weights import load_weights
from csl.io import load_checkpoint
from csl.methods import Frozen, Method
from csl.runs import Run
from csl.study.rebuilt import rebuilt
from csl.types import Features, Split


class Keep(FeatureCallback):
    """Keeps the features of the last pass."""

    def __init__(self) -> None:
        super().__init__()
        self.split: Split | None = None

    def on_features(self, trainer: Trainer, module: LightningModule, features: Mapping[str, Split]) -> None:
        """Keep the encoder's."""
        self.split = features["encoder"]


class Bench:
    """A run's network and images, in which one checkpoint after the other is put to be measured.

    Images are read and decoded once.

    Args:
        run: The run.
        monitors: What measures each checkpoint; its scalars are returned by `measured`.
        device: Where to compute.
        foreign: Whether checkpoints hold the weights of such an encoder as other projects write them, and no method.

    Raises:
        ValueError: If the run cannot be built again, and for a checkpoint whose weights do not fit.
    """

    def __init__(
        self, run: Run, monitors: Sequence[FeatureCallback] = (), device: str = "cpu", foreign: bool = False
    ) -> None:
        self.run = run
        self.method: Method
        self.data: ImageDataModule
        self.method, self.data = rebuilt(run)
        self._is_foreign = foreign
        if foreign:
            self.method = Frozen(self.method.encoder)
        self._keep = Keep()
        self._monitors = list(monitors)
        kind = torch.device(device)
        self._where: dict[str, Any] = {"accelerator": kind.type, "devices": [kind.index or 0] if kind.index else 1}

    def measured(self, checkpoint: Path) -> dict[str, float]:
        """The scalars of all monitors for the weights of a checkpoint."""
        trainer = self._evaluated(checkpoint, [*self._monitors, self._keep])
        return {name: float(value) for name, value in trainer.callback_metrics.items()}

    def features(self, checkpoint: Path) -> tuple[Features, Features]:
        """The encoder's features of the reference set and of the held-out set."""
        self._evaluated(checkpoint, [self._keep])
        assert self._keep.split is not None
        train, val = self._keep.split
        assert train is not None  # our data module gives both sets
        return train, val

    def _evaluated(self, checkpoint: Path, monitors: Sequence[FeatureCallback]) -> Trainer:
        self._load(checkpoint)
        with _quiet():
            trainer = Trainer(
                **self._where,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                callbacks=[ChannelsLast(), *monitors, FeatureCollector()],
            )
            trainer.validate(self.method, self.data, verbose=False)
        return trainer

    def _load(self, checkpoint: Path) -> None:
        if self._is_foreign:
            load_weights(self.method.encoder, checkpoint)
            return
        content = load_checkpoint(checkpoint)
        self.method.on_load_checkpoint(content)
        try:
            self.method.load_state_dict(content["state_dict"])
        except RuntimeError as error:
            raise ValueError(f"{checkpoint}: the weights do not fit the run's method: {error}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from saying for every checkpoint which devices there are and which file it reads."""
    log = logging.getLogger("lightning.pytorch")
    before = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(before)
