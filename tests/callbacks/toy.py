"""The smallest method and data on which callbacks can be watched: no images, two classes of points."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from csl.types import Batch, Features
from tests.trainers import QUIET


class Points(Dataset[Batch]):
    """Two well-separated clumps of points `[N, 4]`."""

    def __init__(self, size: int) -> None:
        generator = torch.Generator().manual_seed(size)
        self.labels = torch.arange(size) % 2
        self.points = torch.randn(size, 4, generator=generator) + 5.0 * self.labels[:, None]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Batch:
        return Batch((self.points[index],), self.labels[index], torch.tensor(index))


class ToyMethod(pl.LightningModule):
    """Predicts labels from points; `bad_step` makes the loss of one step NaN."""

    def __init__(self, bad_step: int | None = None) -> None:
        super().__init__()
        self.encoder = nn.Linear(4, 3)
        self.head = nn.Linear(3, 2)
        self.bad_step = bad_step

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = nn.functional.cross_entropy(self.head(self.encoder(batch.views[0])), batch.labels)
        return loss * torch.nan if self.global_step == self.bad_step else loss

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        return {"encoder": Features(self.encoder(batch.views[0]).detach(), batch.labels, batch.index)}

    test_step = validation_step

    def predict_step(self, batch: Batch, batch_idx: int) -> Features:
        return self.validation_step(batch, batch_idx)["encoder"]

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.1)


class ToyData(pl.LightningDataModule):
    """16 training points in batches of 4; 16 and 10 points to evaluate on."""

    def train_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(Points(16), batch_size=4)

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        return [DataLoader(Points(16), batch_size=8), DataLoader(Points(10), batch_size=8)]

    test_dataloader = val_dataloader

    def predict_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(Points(10), batch_size=8)


def toy_trainer(tmp_path: Any, callbacks: list[pl.Callback], **options: Any) -> pl.Trainer:
    defaults = QUIET | {"enable_checkpointing": True, "default_root_dir": tmp_path}
    defaults |= {"max_epochs": 2, "log_every_n_steps": 1}
    return pl.Trainer(callbacks=callbacks, **(defaults | options))
