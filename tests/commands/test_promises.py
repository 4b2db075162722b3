"""Watching changes nothing, and several processes compute what one does: for every method, with every monitor on."""

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch import Tensor

from csl import distributed
from csl.callbacks import (
    ClassAffinityMap,
    CollapseAlarm,
    FeatureCallback,
    FeatureCollector,
    FeatureMap,
    NaNGuard,
    OrganizationMetrics,
    ProbeMonitor,
)
from csl.data import ImageDataModule
from csl.encoders import ConvNet, ViT
from csl.metrics import CalinskiHarabaszScore
from csl.probes import KNNProbe
from csl.types import Split
from tests.commands.kills import method_of
from tests.data.toy import ToySource
from tests.methods.toy import METHODS
from tests.two_processes import TwoProcesses

Tensors = dict[str, Tensor]


class Careless(FeatureCallback):
    """Draws from every generator and computes gradients, as a user's monitor might."""

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        torch.rand(3), np.random.rand(3), random.random()
        torch.nn.Linear(features["encoder"].train.values.shape[1], 1)(features["encoder"].train.values).sum().backward()


def everything() -> list[pl.Callback]:
    organization = OrganizationMetrics(outputs=["encoder"])
    figures = [FeatureMap(every_n=1), ClassAffinityMap(every_n=1)]
    return [FeatureCollector(), organization, ProbeMonitor(), *figures, CollapseAlarm(), NaNGuard()]


def others() -> list[pl.Callback]:
    few = [OrganizationMetrics([CalinskiHarabaszScore()], every_n=2), ProbeMonitor([KNNProbe(neighbors=3)])]
    return [FeatureCollector(), Careless(), *few]


# None: not even a validation pass.
MONITORS: dict[str, Callable[[], list[pl.Callback]]] = {"none": list, "everything": everything, "others": others}


class Gradients(pl.Callback):
    """Keeps the gradients of the last step, as the optimizer gets them."""

    def __init__(self) -> None:
        self.last: Tensors = {}

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        self.last = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


def trainer(*callbacks: pl.Callback, **options: Any) -> pl.Trainer:
    several = distributed.size(distributed.world())
    defaults: dict[str, Any] = {
        "accelerator": "cpu",
        "devices": several,
        "strategy": "ddp" if several > 1 else "auto",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1,
        "max_epochs": 2,
    }
    return pl.Trainer(callbacks=list(callbacks), **(defaults | options))


def method_and_data(name: str, dropout: float) -> tuple[pl.LightningModule, ImageDataModule]:
    pl.seed_everything(3, verbose=False)
    vit = ViT(image_size=8, patch_size=4, depth=1, heads=2, width=8, mlp_width=8, dropout=dropout)
    encoder = vit if dropout else ConvNet(width=2)
    # 31 and 11 images to measure on: neither divides by two.
    return method_of(name, encoder), ImageDataModule(ToySource(num_train=31, num_val=11), batch_size=8, seed=3)


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


def trained(name: str, monitors: str) -> Tensors:
    """The weights two steps after the monitors looked."""
    method, data = method_and_data(name, dropout=0.2)
    callbacks = MONITORS[monitors]()
    trainer(*callbacks, max_steps=5, limit_val_batches=1.0 if callbacks else 0).fit(method, data)
    return {key: value.clone() for key, value in method.state_dict().items()}


def trained_as_a_rank(name: str) -> dict[str, Tensors]:
    return {monitors: as_a_rank(trained, name, monitors) for monitors in MONITORS}


def assert_watching_changes_nothing(weights: dict[str, Tensors]) -> None:
    for monitors in ("everything", "others"):
        torch.testing.assert_close(weights[monitors], weights["none"], rtol=0, atol=0)


pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("name", METHODS)
def test_watching_changes_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert_watching_changes_nothing({monitors: trained(name, monitors) for monitors in MONITORS})


@pytest.mark.parametrize("name", METHODS)
def test_watching_changes_nothing_on_two_processes(two_processes: TwoProcesses, name: str) -> None:
    first, second = two_processes(trained_as_a_rank, name)
    assert_watching_changes_nothing(first)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


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
    return {name: value for name, value in run.callback_metrics.items() if not name.startswith("seconds/")}


def step_and_measured(name: str) -> tuple[tuple[Tensor, Tensors, list[int]], Tensors]:
    return as_a_rank(one_step, name), as_a_rank(measured, name)


@pytest.mark.parametrize("name", METHODS)
def test_two_processes_equal_one(
    two_processes: TwoProcesses, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    expected_step, expected_measures = one_step(name), measured(name)
    assert len(expected_measures) >= 16 - (name == "BYOL")
    for step, measures in two_processes(step_and_measured, name):
        assert step[2] == expected_step[2]
        torch.testing.assert_close(step[:2], expected_step[:2], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(measures, expected_measures, rtol=1e-5, atol=1e-5, equal_nan=True)
