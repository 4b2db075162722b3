"""Write what `csl predict` computes to one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter

from csl.callbacks.run_folder import run_folder
from csl.distributed import gather_rows, world
from csl.io import check_archive_name, save_features
from csl.types import Features


class FeatureWriter(BasePredictionWriter):
    """Writes the features, labels and data-set indices of a `predict` pass, in data-set order, each sample once.

    Args:
        path: An `.npz` file; None writes `features.npz` into the run's folder.

    Raises:
        ValueError: If the name does not end in `.npz`, before anything is computed.

    Example:
        >>> FeatureWriter("features.npz").path
        PosixPath('features.npz')
    """

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__(write_interval="epoch")
        self.path = None if path is None else check_archive_name(path)

    def write_on_epoch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        predictions: Sequence[Any],
        batch_indices: Sequence[Any],
    ) -> None:
        """Gather all processes' rows and write them on the first."""
        path = self.path or run_folder(trainer) / "features.npz"
        columns = [gather_rows(torch.cat(column), world()) for column in zip(*predictions, strict=True)]
        if trainer.is_global_zero:
            order = columns[2].argsort()
            save_features(path, Features(*(column[order] for column in columns)))
            print(f"\n{len(order):,} features of {columns[0].shape[1]} dimensions: {path}")
