"""Random images with labels, and small methods, for tests of training."""

from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from csl.encoders import ConvNet, ViT
from csl.methods import BYOL, Method, MoCo, Optimization, SimCLR, Supervised
from csl.types import Batch

CLASSES = 3
QUICK = Optimization("sgd", lr=3.2, warmup_epochs=1)  # 0.1 for a batch of 8


def toy_batch(indices: list[int], num_views: int) -> Batch:
    """The images with these indices: always the same, and of the double-precision kind that tests of parity need."""
    generators = [torch.Generator().manual_seed(index) for index in indices]
    views = tuple(torch.stack([torch.randn(3, 8, 8, generator=g) for g in generators]) for _ in range(num_views))
    index = torch.tensor(indices)
    return Batch(views, index % CLASSES, index)


class _Indices(Dataset[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class ToyData(LightningDataModule):
    def __init__(self, num_views: int = 2, batch_size: int = 8, count: int = 32) -> None:
        super().__init__()
        self.num_views, self.batch_size, self.count = num_views, batch_size, count

    def _loader(self, num_views: int, count: int) -> Any:
        world_size = self.trainer.world_size if self.trainer else 1
        rank = self.trainer.global_rank if self.trainer else 0
        indices = _Indices(count)
        return DataLoader(
            indices,
            batch_size=self.batch_size // world_size,
            # Lightning leaves a `DistributedSampler` alone, and would shuffle otherwise.
            sampler=DistributedSampler(indices, world_size, rank, shuffle=False) if world_size > 1 else None,
            collate_fn=lambda drawn: toy_batch(drawn, num_views),
        )

    def train_dataloader(self) -> Any:
        return self._loader(self.num_views, self.count)

    def val_dataloader(self) -> Any:
        return [self._loader(1, self.count), self._loader(1, 9)]

    def predict_dataloader(self) -> Any:
        return self._loader(1, 9)


def small_vit() -> ViT:
    return ViT(image_size=8, patch_size=4, depth=1, heads=2, width=16, mlp_width=16, dropout=0.2)


METHODS: dict[str, Callable[..., Method]] = {
    "simclr": lambda encoder, **options: SimCLR(encoder, hidden_dim=16, output_dim=8, **options),
    "moco": lambda encoder, **options: MoCo(encoder, queue_size=24, hidden_dim=16, output_dim=8, **options),
    "byol": lambda encoder, **options: BYOL(encoder, hidden_dim=16, output_dim=8, **options),
    "supervised": lambda encoder, **options: Supervised(encoder, num_classes=CLASSES, **options),
}


def toy_method(name: str, dropout: bool = False, **options: Any) -> Method:
    """A small method that starts alike every time."""
    torch.manual_seed(0)
    encoder = small_vit() if dropout else ConvNet(width=2)
    return METHODS[name](encoder, optimization=options.pop("optimization", QUICK), **options)


def toy_trainer(**options: Any) -> Trainer:
    defaults: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": 1,
        "max_epochs": 2,
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "limit_val_batches": 0,
    }
    return Trainer(**{**defaults, **options})


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}
