"""Write what `csl predict` computes to many files, while it computes."""

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import BasePredictionWriter
from lightning.pytorch.utilities import rank_zero_info

from csl.callbacks.feature_writer import words_of
from csl.callbacks.run_folder import run_folder
from csl.checks import check_positive
from csl.data import ImageDataModule
from csl.io import Shard, check_feature_name, gaps, replacing, save_features, shards_in
from csl.types import Features

MARK = "features.json"


class ShardWriter(BasePredictionWriter):
    """Writes the features of a `predict` pass as a folder of files of some rows each, every one as soon as it is full.

    A pass that was interrupted goes on where it was, on any number of processes: rows that lie in the folder are not
    computed again. Memory holds one file's rows a process. `csl analyze FOLDER` reads all of them.

    Args:
        path: The folder, whose name says what its files are: `.npz`, `.safetensors` or `.parquet`; None makes
            `features.npz` in the run's folder.
        shard_size: Rows a file; where a process's share of the rows ends, a file has fewer.

    Raises:
        ValueError: If the name ends otherwise or the size is not positive, before anything is computed; or if the
            folder holds features of another network or of other images.

    Example:
        >>> ShardWriter("features.parquet", shard_size=100_000).path
        PosixPath('features.parquet')
    """

    def __init__(self, path: str | Path | None = None, shard_size: int = 100_000) -> None:
        super().__init__(write_interval="batch")
        check_positive(shard_size=shard_size)
        self.path, self.shard_size = None if path is None else check_feature_name(path), shard_size
        self._rows: list[Features] = []
        self._is_checked = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find out which rows are there already, and leave them out."""
        data = _data_of(trainer)
        self.folder = self.path or run_folder(trainer) / "features.npz"
        if self.folder.is_file():
            raise ValueError(f"path: expected a folder for shards, got {self.folder}, a file")
        self.total = len(data.splits.sets()[data.predict_split])
        there = shards_in(self.folder)
        if there and there[0].total != self.total:
            raise ValueError(f"path: expected {self.total} rows as in {data.predict_split}, got {there[0].name}")
        data.predicted = gaps(there, self.total)
        trainer.strategy.barrier()  # nobody writes before everybody has looked
        if there:
            left = sum(map(len, data.predicted))
            rank_zero_info(f"{self.folder}: {self.total - left:,} of {self.total:,} rows are there; {left:,} are left")

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refuse to go on with the features of something else; here, where the weights are loaded."""
        self._check_mark(trainer, pl_module)

    def write_on_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        prediction: Features,
        batch_indices: Sequence[int] | None,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int,
    ) -> None:
        """Keep a batch, and write what is full."""
        self._rows.append(Features(*(column.cpu() for column in prediction)))
        if sum(len(rows.index) for rows in self._rows) >= self.shard_size:
            self._write(trainer, self.shard_size)

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the rest."""
        self._write(trainer, 1)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Say where the features are; also where there was nothing to do."""
        self._check_mark(trainer, pl_module)
        print(f"\n{self.total:,} features: {self.folder}") if trainer.is_global_zero else None

    def _write(self, trainer: Trainer, least: int) -> None:
        """Write files of consecutive rows, until fewer than `least` that may still be continued are left."""
        rows = Features(*map(torch.cat, zip(*self._rows, strict=True))) if self._rows else None
        while rows is not None and len(rows.index):
            count = min(_consecutive(rows.index), self.shard_size)
            if count < least and count == len(rows.index):
                break
            self._save(trainer, Features(*(column[:count] for column in rows)))
            rows = Features(*(column[count:] for column in rows))
        self._rows = [] if rows is None else [rows]

    def _save(self, trainer: Trainer, rows: Features) -> None:
        start = int(rows.index[0])
        shard = Shard(start, start + len(rows.index), self.total, self.folder.suffix)
        save_features(self.folder / shard.name, rows, *words_of(trainer, rows.index))

    def _check_mark(self, trainer: Trainer, module: LightningModule) -> None:
        """Compare what is encoded, and by what, with what the folder was begun with; note it where it begins."""
        if self._is_checked:
            return
        self._is_checked = True
        mark, file = _mark(_data_of(trainer), module), self.folder / MARK
        known = json.loads(file.read_text()) if file.is_file() else None
        trainer.strategy.barrier()
        if known is None and trainer.is_global_zero:
            with replacing(file) as out:
                out.write(json.dumps(mark, indent=2).encode())
        elif known is not None and known != mark:
            other = next(key for key in mark if known.get(key) != mark[key])
            raise ValueError(
                f"path: {self.folder} holds the features of something else ({other} differs, see {MARK} there); "
                "name another folder, or remove this one"
            )


def _data_of(trainer: Trainer) -> ImageDataModule:
    data = trainer.datamodule  # type: ignore[attr-defined]
    if not isinstance(data, ImageDataModule):
        raise ValueError(f"shard_size: expected an ImageDataModule, which knows the rows, got {type(data).__name__}")
    return data


def _mark(data: ImageDataModule, module: LightningModule) -> dict[str, Any]:
    """What features depend on."""
    return {
        "images": data.record.fingerprint,
        "split": data.predict_split,
        "image_size": data.image_size,
        "encoder": _fingerprint(module),
    }


def _fingerprint(module: LightningModule) -> str:
    """SHA-256 of the encoder's weights, in hexadecimal digits."""
    digest = hashlib.sha256()
    encoder: Any = getattr(module, "encoder", module)
    for name, value in sorted(encoder.state_dict().items()):
        digest.update(name.encode() + value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _consecutive(index: torch.Tensor) -> int:
    """How many positions follow each other from the first on."""
    positions = index.tolist()
    return next((i for i, (a, b) in enumerate(pairwise(positions), 1) if b != a + 1), len(positions))
