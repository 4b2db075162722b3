"""SimCLR's training step: images a second with our input and with lightly's, beside what the network allows.

The ceiling takes views that are there already; lightly's documented pipeline has PIL transforms in a loader's workers;
a whole fit runs under Lightning's Trainer, its first steps not counted. All take the same steps with the same network
in the precision of a fit on that device, in turns, and a GPU is waited for at the end of a round only.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.machine import report
from benchmarks.synthetic import Synthetic
from benchmarks.timing import finish, in_turns, sustained
from csl.callbacks import ChannelsLast, NaNGuard
from csl.commands.precision import automatic_precision
from csl.data import ImageDataModule, ImageSource
from csl.encoders import Encoder, ResNet
from csl.methods import SimCLR
from csl.methods.groups import complete
from csl.methods.step import as_step
from csl.table import Table
from csl.types import Batch

Views = tuple[Tensor, ...]
CEILING = "views in memory: the ceiling"
FIRST = 10  # steps of a fit that warm up


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--depth", type=int, default=10, help="of the ResNet")
    parser.add_argument("--width", type=int, default=16, help="of the ResNet's first stage")
    parser.add_argument("--images", type=int, default=50_000, help="in the training set")
    parser.add_argument("--batch", type=int, default=128, help="images in a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes of lightly's loader")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each one works in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds there are")
    args = parser.parse_args()
    device = torch.device(args.device)
    precision, _ = automatic_precision(device.type)
    step = training_step(ResNet(depth=args.depth, width=args.width), device, precision)
    data = ImageDataModule(Synthetic(args.images), batch_size=args.batch)
    suppliers = {
        CEILING: in_memory(args.batch, (3, 32), device),
        "csl: uint8 in memory, augmented in batches": ours(data, device, precision),
        f"lightly: PIL in {args.workers} workers": lightly(args.images, args.batch, args.workers, device),
    }
    works = {name: consumer(step, views) for name, views in suppliers.items()}
    for work in works.values():
        work()  # the first call does not count
    candidates = {name: sustained(work, device) for name, work in works.items()}
    candidates["csl: a whole fit"] = fitted(args.depth, args.width, data.source, args.batch, device, precision)
    found = in_turns(candidates, args.seconds, args.rounds)
    ceiling = found[CEILING].median
    rows = [[name, str(rate), f"{rate.median / ceiling:.2f}"] for name, rate in found.items()]
    name = "step" if device.type == "cpu" else f"step_{device.type}"
    report(
        name,
        f"SimCLR's training step, ResNet of depth {args.depth} and width {args.width}, batch {args.batch}, {precision}",
        "python -m benchmarks.step " + " ".join(f"--{name} {value}" for name, value in vars(args).items()),
        f"32 x 32 pixels; median of {args.rounds} rounds (slowest to fastest), {args.seconds:g} s each.\n\n"
        + Table(["", "images/s", "of the ceiling"], rows).markdown(),
    )


def training_step(encoder: Encoder, device: torch.device, precision: str) -> Callable[[Views], None]:
    """Loss, gradients and one step of the optimizer."""
    method = SimCLR(encoder).to(device, memory_format=torch.channels_last)
    optimizer = method.optimization.build(complete([], method), 256, fused=True)

    def step(views: Views) -> None:
        labels = torch.zeros(len(views[0]), dtype=torch.int64, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16-mixed"):
            loss = as_step(method.training_loss(Batch(views, labels, labels))).loss
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step


def consumer(step: Callable[[Views], None], views: Iterator[Views]) -> Callable[[], int]:
    """Takes views and a step with them; returns how many images that were."""

    def work() -> int:
        drawn = next(views)
        step(drawn)
        return len(drawn[0])

    return work


def in_memory(batch: int, shape: tuple[int, int], device: torch.device) -> Iterator[Views]:
    """The same two views again and again, of so many channels and pixels a side."""
    channels, size = shape
    return cycle([tuple(torch.randn(batch, channels, size, size, device=device) for _ in range(2))])


def ours(data: ImageDataModule, device: torch.device, precision: str) -> Iterator[Views]:
    """The data module's loader and augmentation, which follow the trainer's device and precision."""
    data.trainer = trainer(device, precision)
    data.setup("fit")
    while True:
        for drawn in data.train_dataloader():
            yield data.augment(drawn.images.to(device, non_blocking=True))


class Pictures(Dataset[Any]):
    """PIL images behind lightly's transform, as its data sets give them."""

    def __init__(self, size: int) -> None:
        from lightly.transforms.simclr_transform import SimCLRTransform

        images = Synthetic(size).load().train.images(torch.arange(size))
        self.images = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images]
        self.transform = SimCLRTransform(input_size=32, cj_strength=0.5, gaussian_blur=0.0)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, position: int) -> Any:
        return self.transform(self.images[position])


def lightly(images: int, batch: int, workers: int, device: torch.device) -> Iterator[Views]:
    """The loader of lightly's examples."""
    loader = DataLoader(
        Pictures(images),
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


def trainer(device: torch.device, precision: str, *callbacks: Callback) -> Trainer:
    """A trainer as `csl fit` makes one for CIFAR-10, with nothing to measure but its own progress."""
    return Trainer(
        accelerator=device.type,
        devices=1,
        precision=precision,  # type: ignore[arg-type]
        max_epochs=200,
        log_every_n_steps=50,
        limit_val_batches=0,
        callbacks=list(callbacks),
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class Clock(Callback):
    """Stops a fit some seconds after its first steps, and knows how many images a second those took.

    Args:
        seconds: How long to go on.

    Attributes:
        rate: Images a second.
    """

    def __init__(self, seconds: float) -> None:
        self.rate = 0.0
        self._seconds, self._steps, self._images, self._start = seconds, 0, 0, 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Count."""
        self._steps += 1
        if self._steps == FIRST:
            finish(pl_module.device)
            self._start = time.perf_counter()
        elif self._steps > FIRST:
            self._images += len(batch.labels)
            if time.perf_counter() - self._start >= self._seconds:
                finish(pl_module.device)
                self.rate = self._images / (time.perf_counter() - self._start)
                trainer.should_stop = True


def fitted(
    depth: int, width: int, source: ImageSource, batch: int, device: torch.device, precision: str
) -> Callable[[float], float]:
    """A fit as `csl fit` runs it."""

    def rate(seconds: float) -> float:
        clock = Clock(seconds)
        method, data = SimCLR(ResNet(depth=depth, width=width)), ImageDataModule(source, batch_size=batch)
        trainer(device, precision, ChannelsLast(), NaNGuard(), clock).fit(method, data)
        return clock.rate

    return rate


if __name__ == "__main__":
    main()
