"""What one process and several compute: a step, and all that is measured."""

import os
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from torch import Tensor

from csl import distributed
from csl.callbacks import (
    NaNGuard,
)
from csl.data import ImageDataModule
from tests.data.toy import ToySource
from tests.methods.toy import small_encoder
from tests.promises.kills import method_of
from tests.promises.watching import everything
from tests.trainers import QUIET

Tensors = dict[str, Tensor]


class Gradients(pl.Callback):
    """Keeps the gradients of the last step, as the optimizer gets them."""

    def __init__(self) -> None:
        self.last: Tensors = {}

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        self.last = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def trainer(*callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    several = distributed.size(distributed.world())
    processes = {"devices": several, "strategy": "ddp" if several > 1 else "auto"}
    defaults = QUIET | processes | {"max_epochs": 2, "log_every_n_steps": 1}
    return pl.Trainer(callbacks=list(callbacks), **(defaults | options))


def method_and_data(name: str, dropout: float) -> tuple[pl.LightningModule, ImageDataModule]:
    pl.seed_everything(3, verbose=False)
    # 31 and 11 images to measure on: neither divides by two.
    return method_of(name, small_encoder(name, dropout > 0)), ImageDataModule(
        ToySource(num_train=31, num_val=11), batch_size=8, seed=3
    )


def as_a_rank(function: Callable[..., Any], *args: Any) -> Any:
    """Call something in a process that Lightning takes for one of those it started itself."""
    group = distributed.world()
    rank = str(distributed.rank(group))
    before = dict(os.environ)
    os.environ.update({"LOCAL_RANK": rank, "NODE_RANK": "0", "WORLD_SIZE": str(distributed.size(group)), "RANK": rank})
    try:
        return function(*args)
    finally:
        os.environ.clear()
        os.environ.update(before)


def one_step(name: str) -> tuple[Tensor, Tensors, list[int]]:
    """Loss and gradients of the first step, through the data module and its augmentation, and its images."""
    method, data = method_and_data(name, dropout=0.0)
    gradients, guard = Gradients(), NaNGuard()
    # The network is so small that a gradient in float32 is 1.3e-5 from that in float64 on one process already.
    run = trainer(gradients, guard, max_steps=1, limit_val_batches=0, precision="64-true")
    run.fit(method, data)
    (step,) = guard._steps
    images = distributed.gather_rows(step.indices, distributed.world())
    return run.callback_metrics["train/loss"], gradients.last, images.tolist()


def measured(name: str) -> Tensors:
    """All that is measured at the end of a pass, but for the seconds it took."""
    method, data = method_and_data(name, dropout=0.0)
    run = trainer(*everything())
    run.validate(method, data, verbose=False)
    return {name: value for name, value in run.callback_metrics.items() if not name.startswith("wall_seconds/")}


def step_and_measured(name: str) -> tuple[tuple[Tensor, Tensors, list[int]], Tensors]:
    return as_a_rank(one_step, name), as_a_rank(measured, name)
