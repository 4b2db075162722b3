"""SimCLR's training step: images a second with our input and with lightly's, beside what the network allows.

The ceiling takes views that are there already; lightly's documented pipeline has PIL transforms in a loader's workers;
a whole fit runs under Lightning's Trainer. All take the same steps with the same network, in turns.
"""

import argparse
import os
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import torch
from lightning.pytorch import Trainer
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.machine import markdown_table, report
from benchmarks.synthetic import Synthetic
from benchmarks.timing import rates
from csl.commands.precision import automatic_precision
from csl.data import ImageDataModule
from csl.encoders import ResNet
from csl.methods import SimCLR
from csl.types import Batch

Views = tuple[Tensor, ...]
CEILING = "views in memory: the ceiling"


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--depth", type=int, default=10, help="of the ResNet")
    parser.add_argument("--width", type=int, default=16, help="of the ResNet's first stage")
    parser.add_argument("--batch", type=int, default=128, help="images in a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes of lightly's loader")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each one works in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds there are")
    args = parser.parse_args()
    device = torch.device(args.device)
    precision, _ = automatic_precision(device.type)
    step = training_step(args.depth, args.width, device, precision)
    suppliers = {
        CEILING: in_memory(args.batch, device),
        "csl: uint8 in memory, augmented in batches": ours(args.batch, device),
        f"lightly: PIL in {args.workers} workers": lightly(args.batch, args.workers, device),
    }
    found = rates({name: consumer(step, views) for name, views in suppliers.items()}, args.seconds, args.rounds)
    fit = rates(
        {"csl: a whole fit": fitted(args.depth, args.width, args.batch, device, precision)}, args.seconds, args.rounds
    )
    ceiling = found[CEILING].median
    rows = [[name, str(rate), f"{rate.median / ceiling:.2f}"] for name, rate in (found | fit).items()]
    name = "step" if device.type == "cpu" else f"step_{device.type}"
    report(
        name,
        f"SimCLR's training step, ResNet of depth {args.depth} and width {args.width}, batch {args.batch}, {precision}",
        f"python -m benchmarks.step --depth {args.depth} --width {args.width} --batch {args.batch}",
        f"32 x 32 pixels; median of {args.rounds} rounds (slowest to fastest), {args.seconds:g} s each.\n\n"
        + markdown_table(["", "images/s", "of the ceiling"], rows),
    )


def training_step(depth: int, width: int, device: torch.device, precision: str) -> Callable[[Views], None]:
    """Loss, gradients and one step of the optimizer."""
    method = SimCLR(ResNet(depth=depth, width=width)).to(device, memory_format=torch.channels_last)
    optimizer = method.optimization.build(method.parameters(), 256, fused=True)

    def step(views: Views) -> None:
        labels = torch.zeros(len(views[0]), dtype=torch.int64, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = method.training_loss(Batch(views, labels, labels))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def consumer(step: Callable[[Views], None], views: Iterator[Views]) -> Callable[[], int]:
    """Takes views and a step with them; returns how many images that were."""

    def work() -> int:
        drawn = next(views)
        step(drawn)
        if drawn[0].is_cuda:
            torch.cuda.synchronize()
        return len(drawn[0])

    return work


def in_memory(batch: int, device: torch.device) -> Iterator[Views]:
    """The same two views again and again."""
    return cycle([tuple(torch.randn(batch, 3, 32, 32, device=device) for _ in range(2))])


def ours(batch: int, device: torch.device) -> Iterator[Views]:
    """The data module's loader and augmentation."""
    data = ImageDataModule(Synthetic(), batch_size=batch)
    data.setup("fit")
    while True:
        for drawn in data.train_dataloader():
            yield data.augment(drawn.views[0].to(device, non_blocking=True))


class Pictures(Dataset[Any]):
    """PIL images behind lightly's transform, as its data sets give them."""

    def __init__(self, size: int = 10_000) -> None:
        from lightly.transforms.simclr_transform import SimCLRTransform

        images = Synthetic(size).load().train.images(torch.arange(size))
        self.images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
        self.transform = SimCLRTransform(input_size=32, cj_strength=0.5, gaussian_blur=0.0)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Any:
        return self.transform(self.images[position])


def lightly(batch: int, workers: int, device: torch.device) -> Iterator[Views]:
    """The loader of lightly's examples."""
    loader = DataLoader(
        Pictures(),
        batch,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
    )
    while True:
        for views in loader:
            yield tuple(view.to(device, non_blocking=True) for view in views)


def fitted(depth: int, width: int, batch: int, device: torch.device, precision: str) -> Callable[[], int]:
    """A fit with nothing to measure but its own progress, as `csl fit` runs it; start and end count, too."""
    method = SimCLR(ResNet(depth=depth, width=width))
    data = ImageDataModule(Synthetic(), batch_size=batch)

    def work() -> int:
        trainer = Trainer(
            accelerator=device.type,
            devices=1,
            precision=precision,  # type: ignore[arg-type]
            max_epochs=1,
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(method, data)
        return data.num_train // batch * batch

    return work


if __name__ == "__main__":
    main()
