"""Random images with labels, and small methods, for tests of training."""

from inspect import signature
from typing import Any

import torch
from lightning.pytorch import LightningDataModule, Trainer
from torch import nn
from torch.utils.data import DataLoader, Dataset, DistributedSampler

import csl.methods
from csl.encoders import ConvNet, Encoder, LabResNet, LocalNet, PatchResNet, ViT
from csl.methods import Method, Optimization
from csl.types import Batch, View
from tests.trainers import QUIET

CLASSES = 3
ONE = (View(),)
# Every method that the package exports stands in every promise: nothing but this discovers them.
EVERY: dict[str, type[Method]] = {
    name: kind
    for name, kind in vars(csl.methods).items()
    if isinstance(kind, type) and issubclass(kind, Method) and kind is not Method
}
# Those with something to train; the others keep the promises about measuring alone.
METHODS = {name: kind for name, kind in EVERY.items() if kind.trains}
# What arguments of these names are made, so that methods are small.
SIZES = {"hidden_dim": 16, "output_dim": 8, "prediction_dim": 8, "queue_size": 24}
SIZES |= {"num_prototypes": 6, "num_patches": 3, "num_directions": 5, "num_images": 72, "frozen_steps": 2}
QUICK = Optimization("sgd", lr=3.2, warmup_epochs=1)  # 0.1 for a batch of 8


def toy_batch(indices: list[int], views: tuple[View, ...] = (View(2),)) -> Batch:
    """The images with these indices: always the same, and of the double-precision kind that tests of parity need."""
    generators = [torch.Generator().manual_seed(index) for index in indices]
    sizes = [round(8 * view.scale) for view in views for _ in range(view.count)]
    images = tuple(torch.stack([torch.randn(3, size, size, generator=g) for g in generators]) for size in sizes)
    index = torch.tensor(indices)
    return Batch(images, index % CLASSES, index)


class _Indices(Dataset[int]):
    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> int:
        return index


class ToyData(LightningDataModule):
    """What a method wants of images that are made up, dealt out to processes in turns."""

    def __init__(self, views: tuple[View, ...] = (View(2),), batch_size: int = 8, count: int = 32) -> None:
        super().__init__()
        self.views, self.batch_size, self.count = views, batch_size, count

    def _loader(self, views: tuple[View, ...], count: int) -> Any:
        world_size = self.trainer.world_size if self.trainer else 1
        rank = self.trainer.global_rank if self.trainer else 0
        indices = _Indices(count)
        return DataLoader(
            indices,
            batch_size=self.batch_size // world_size,
            # Lightning leaves a `DistributedSampler` alone, and would shuffle otherwise.
            sampler=DistributedSampler(indices, world_size, rank, shuffle=False) if world_size > 1 else None,
            collate_fn=lambda drawn: toy_batch(drawn, views),
        )

    def train_dataloader(self) -> Any:
        return self._loader(self.views, self.count)

    def val_dataloader(self) -> Any:
        return [self._loader(ONE, self.count), self._loader(ONE, 9)]

    def predict_dataloader(self) -> Any:
        return self._loader(ONE, 9)


class CountedData(ToyData):
    """Data that tell their number, as csl's do."""

    @property
    def num_train(self) -> int:
        return self.count


def small_vit(dropout: float = 0.2) -> ViT:
    return ViT(image_size=8, patch_size=4, depth=1, heads=2, width=16, mlp_width=16, dropout=dropout)


def small_encoder(name: str, dropout: bool) -> Encoder:
    """A small encoder that a method can train, with dropout where it has any."""
    if EVERY[name].usual.encoder == "LabResNet":
        return LabResNet(depth=10, width=1)
    if EVERY[name].usual.encoder == "PatchResNet":
        return PatchResNet(depth=10, width=2, image_size=8)
    if EVERY[name].usual.encoder == "LocalNet":
        return LocalNet(width=2, blocks=1, image_size=8)
    if EVERY[name].usual.encoder == "ViT" or dropout:
        return small_vit(0.2 if dropout else 0.0)
    return ConvNet(width=2)


def small(kind: type[Method], encoder: Encoder, classes: int = CLASSES, **options: Any) -> Method:
    """A method of any class, with sizes that two cores train in no time."""
    wanted = signature(kind).parameters
    sizes = {name: size for name, size in (SIZES | {"num_classes": classes}).items() if name in wanted}
    return kind(encoder, **{name: value for name, value in (sizes | options).items() if name in wanted})


def in_turn(name: str, **options: Any) -> Optimization:
    """An optimization for a method by name; the optimizers take turns, so that each is tried."""
    optimizers: list[Any] = ["lars", "sgd", "adamw"]
    return Optimization(optimizers[sorted(EVERY).index(name) % len(optimizers)], **options)


def toy_method(name: str, dropout: bool = False, **options: Any) -> Method:
    """A small method, by the name of its class, that starts alike every time."""
    torch.manual_seed(0)
    return small(EVERY[name], small_encoder(name, dropout), optimization=options.pop("optimization", QUICK), **options)


def toy_trainer(**options: Any) -> Trainer:
    return Trainer(**(QUIET | {"devices": 1, "max_epochs": 2, "limit_val_batches": 0} | options))


def weights(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}
