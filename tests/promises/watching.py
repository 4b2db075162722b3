"""Monitors of every kind, to see whether watching changes anything."""

import random
from collections.abc import Callable, Mapping

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

from csl.callbacks import (
    ClassAffinityMap,
    CollapseAlarm,
    FeatureCallback,
    FeatureCollector,
    FeatureMap,
    HeldOutLoss,
    NaNGuard,
    OrganizationMetrics,
    ProbeMonitor,
)
from csl.metrics import CalinskiHarabaszScore
from csl.probes import KNNProbe
from csl.types import Split

Tensors = dict[str, Tensor]


class Careless(FeatureCallback):
    """Draws from every generator and computes gradients, as a user's monitor might."""

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        torch.rand(3), np.random.rand(3), random.random()
        values = features["encoder"].val.values
        torch.nn.Linear(values.shape[1], 1)(values).sum().backward()


def everything() -> list[pl.Callback]:
    organization = OrganizationMetrics(outputs=["encoder"])
    figures = [FeatureMap(every_n=1), ClassAffinityMap(every_n=1)]
    return [FeatureCollector(), organization, ProbeMonitor(), *figures, CollapseAlarm(), NaNGuard()]


def others() -> list[pl.Callback]:
    few = [OrganizationMetrics([CalinskiHarabaszScore()], every_n=2), ProbeMonitor([KNNProbe(neighbors=3)])]
    return [FeatureCollector(), Careless(), *few, HeldOutLoss()]


# None: not even a validation pass.
MONITORS: dict[str, Callable[[], list[pl.Callback]]] = {"none": list, "everything": everything, "others": others}
