"""Write what `csl predict` computes to one file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from torch import Tensor

from csl.callbacks.run_folder import run_folder
from csl.data import ImageDataModule
from csl.distributed import gather_rows, world
from csl.io import check_feature_name, save_features
from csl.types import Features


class FeatureWriter(BasePredictionWriter):
    """Writes the features, labels and data-set indices of a `predict` pass, in data-set order, each sample once.

    Where the data module knows them, the file of each image (`names`) and the names of the classes (`class_names`)
    stand beside them.

    Args:
        path: A file that ends in `.npz`, `.safetensors` or `.parquet`; None writes `features.npz` into the run's
            folder.

    Raises:
        ValueError: If the name ends otherwise, before anything is computed.

    Example:
        >>> FeatureWriter("features.npz").path
        PosixPath('features.npz')
    """

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__(write_interval="epoch")
        self.path = None if path is None else check_feature_name(path)

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
            rows = Features(*(column[order] for column in columns))
            save_features(path, rows, *words_of(trainer, rows.index))
            print(f"\n{len(order):,} features of {columns[0].shape[1]} dimensions: {path}")


def words_of(trainer: Trainer, index: Tensor) -> tuple[list[str] | None, tuple[str, ...]]:
    """The file of each row, and the name of each class, as far as they are known."""
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, ImageDataModule):
        return None, ()
    names = data.file_names(data.predict_split)
    return names and [names[position] for position in index.tolist()], data.class_names
