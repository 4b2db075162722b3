"""Photographs of a run's folder at many instants: what SIGKILL would leave there, without the death."""

import os
import random
import shutil
import signal
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard.writer import FileWriter

from csl.callbacks import AtomicCheckpointIO, FeatureCollector, NaNGuard, OrganizationMetrics, RunCheckpoint
from csl.callbacks.run_folder import RunFolder
from csl.commands.resume import find_run
from csl.data import ImageDataModule
from csl.encoders import Encoder
from csl.methods import Method
from csl.metrics import CalinskiHarabaszScore
from csl.runs import CONFIG, LAST, Run
from tests.commands.runs import comparable, curves
from tests.data.toy import ToySource
from tests.methods.toy import EVERY, in_turn, small, small_encoder
from tests.trainers import QUIET

EPOCHS, BATCHES = 3, 3
STEPS = EPOCHS * BATCHES
HOOKS = [
    "on_train_start",
    "on_train_epoch_start",
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_train_batch_end",
    "on_validation_start",
    "on_validation_batch_end",
    "on_validation_end",
    "on_train_epoch_end",
    "on_train_end",
]


def method_of(name: str, encoder: Encoder) -> Method:
    """A small method."""
    rule = in_turn(name, lr=0.5, warmup_epochs=1, final_weight_decay=1e-3)
    return small(EVERY[name], encoder, classes=2, optimization=rule)


def fit(run: Path, method: str, *callbacks: pl.Callback) -> None:
    """What `csl fit` does, or, where the run's folder holds a checkpoint, what `csl fit --resume` does."""
    pl.seed_everything(7, verbose=False)
    run.mkdir(parents=True, exist_ok=True)
    (run / CONFIG).touch()
    resumption = find_run(str(run))
    logger = TensorBoardLogger(run.parent, name="", version=run.name, default_hp_metric=False)
    trainer = pl.Trainer(
        **(QUIET | {"enable_checkpointing": True}),
        max_epochs=EPOCHS,
        log_every_n_steps=1,
        plugins=[AtomicCheckpointIO()],
        callbacks=[
            RunFolder(run.parent, [logger], resumed=run, step=resumption.done.step),
            FeatureCollector(),
            OrganizationMetrics([CalinskiHarabaszScore()]),
            NaNGuard(),
            RunCheckpoint(keep_every_n_epochs=2),
            *callbacks,
        ],
    )
    data = ImageDataModule(ToySource(num_train=BATCHES * 8 + 6), batch_size=8, seed=7)
    checkpoint = run / LAST if resumption.done.step else None
    trainer.fit(method_of(method, small_encoder(method, True)), data, ckpt_path=checkpoint, weights_only=True)


class Camera:
    """Copies a run's folder whenever `shoot` is called.

    Attributes:
        instants: What each copy, numbered from 0, was a copy of.
    """

    def __init__(self, run: Path, album: Path) -> None:
        self.run, self.album = run, album
        self.instants: list[str] = []

    def copy(self, number: int) -> Path:
        return self.album / str(number) / "version_0"

    def shoot(self, instant: str, *, torn: bool = False) -> None:
        """Copy the folder; where `torn`, with half of what a checkpoint's file holds so far."""
        target = self.copy(len(self.instants))
        shutil.copytree(self.run, target)
        for partial in target.rglob("*.partial") if torn else ():
            os.truncate(partial, partial.stat().st_size // 2)
        self.instants.append(instant)

    def around(self, owner: Any, name: str, patch: pytest.MonkeyPatch) -> None:
        """Shoot before and after every call of a function."""
        original = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            self.shoot(f"torn {name}", torn=True)
            self.shoot(f"before {name}")
            result = original(*args, **kwargs)
            self.shoot(f"after {name}")
            return result

        patch.setattr(owner, name, watched)

    def callbacks(self) -> list[pl.Callback]:
        """One that is called before `RunCheckpoint` and one that is called after it."""
        early, late = pl.Callback(), Checkpoint()
        for callback, when in ((early, "early"), (late, "late")):
            for hook in HOOKS:
                setattr(
                    callback, hook, lambda trainer, *_, i=f"{when} {hook}": self.shoot(f"{i} {trainer.global_step}")
                )
        return [early, late]


def photographed(run: Path, method: str, album: Path, *others: pl.Callback) -> Camera:
    """A run, and copies of its folder before and after everything that matters."""
    camera = Camera(run, album)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "fsync"), (os, "replace"), (FileWriter, "flush")):
            camera.around(owner, name, patch)
        fit(run, method, *camera.callbacks(), *others)
    return camera


class Signal(pl.Callback):
    """Sends this process a signal in the middle of one step."""

    def __init__(self, number: signal.Signals, step: int) -> None:
        self.number, self.step = number, step

    def on_before_zero_grad(self, trainer: pl.Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            signal.raise_signal(self.number)


def stop(run: Path, method: str, number: signal.Signals, step: int, *others: pl.Callback) -> None:
    """Begin or continue a run and end it by a signal during a step, from 0."""
    with pytest.raises(SystemExit):
        fit(run, method, Signal(number, step), *others)


def outcome(run: Path) -> dict[str, Any]:
    """All that a run has come to: its last checkpoint, the epochs that were kept, its curves."""
    loaded = torch.load(run / LAST, weights_only=True)
    kept = {name: loaded[name] for name in ("state_dict", "optimizer_states", "lr_schedulers", "global_step", "epoch")}
    epochs = {file.name: torch.load(file, weights_only=True)["state_dict"] for file in Run(run).checkpoint_files}
    return {**kept, "epochs": epochs, "curves": curves(run)}


def assert_same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Equal to the last bit."""
    torch.testing.assert_close(comparable(ours), comparable(theirs), rtol=0, atol=0)


def chosen(camera: Camera, count: int, seed: int) -> list[int]:
    """So many instants: one of every kind that is rare, the others at random."""
    kinds: dict[str, list[int]] = {}
    for number, instant in enumerate(camera.instants):
        kinds.setdefault(" ".join(instant.split()[:2]), []).append(number)
    draw = random.Random(seed)
    first = [draw.choice(numbers) for numbers in kinds.values()]
    rest = sorted(set(range(len(camera.instants))) - set(first))
    picked = first + draw.sample(rest, len(rest))
    return sorted(draw.sample(first, count) if count < len(first) else picked[:count])
