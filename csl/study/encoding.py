"""What the encoder of a checkpoint makes of its run's images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer

from csl.callbacks import FeatureCollector
from csl.callbacks.channels_last import ChannelsLast
from csl.callbacks.features import FeatureCallback
from csl.data import ImageDataModule
from csl.methods import Method
from csl.runs import Run
from csl.study.rebuilt import rebuilt
from csl.types import Split


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

    Raises:
        ValueError: If the run cannot be built again.
    """

    def __init__(self, run: Run, monitors: Sequence[FeatureCallback] = (), device: str = "cpu") -> None:
        self.run = run
        self.method: Method
        self.data: ImageDataModule
        self.method, self.data = rebuilt(run)
        self._keep = Keep()
        self._monitors = list(monitors)
        kind = torch.device(device)
        self._where: dict[str, Any] = {"accelerator": kind.type, "devices": [kind.index or 0] if kind.index else 1}

    def measured(self, checkpoint: Path) -> dict[str, float]:
        """The scalars of all monitors for the weights of a checkpoint."""
        trainer = self._evaluated(checkpoint, [*self._monitors, self._keep])
        return {name: float(value) for name, value in trainer.callback_metrics.items()}

    def features(self, checkpoint: Path) -> Split:
        """The encoder's features of the reference set and of the held-out set."""
        self._evaluated(checkpoint, [self._keep])
        assert self._keep.split is not None
        return self._keep.split

    def _evaluated(self, checkpoint: Path, monitors: Sequence[FeatureCallback]) -> Trainer:
        trainer = Trainer(
            **self._where,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[ChannelsLast(), *monitors, FeatureCollector()],
        )
        trainer.validate(self.method, self.data, ckpt_path=str(checkpoint), verbose=False, weights_only=True)
        return trainer
