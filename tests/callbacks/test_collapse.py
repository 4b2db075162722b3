from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
import torchmetrics
from torch import Tensor

from csl.callbacks import (
    CollapseAlarm,
    FeatureCallback,
    FeatureCollector,
    FeatureMap,
    MeasurementTable,
    OrganizationMetrics,
    ProbeMonitor,
)
from csl.metrics import FeatureMetric
from csl.probes import KNNProbe
from csl.types import Batch, Features, Split
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer


class Collapsing(ToyMethod):
    """Its features are all the same after the first epoch, or not numbers."""

    def __init__(self, value: float = 0.0) -> None:
        super().__init__()
        self.value = value

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> dict[str, Features]:
        values = super().validation_step(batch, batch_idx)["encoder"].values
        if self.current_epoch:
            values = torch.ones_like(values) + self.value
        return {"encoder": Features(values, batch.labels, batch.index)}


def test_a_collapse_is_flagged_in_the_log_and_under_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monitors = [FeatureCollector(), OrganizationMetrics(), ProbeMonitor(), CollapseAlarm(), MeasurementTable()]
    trainer = toy_trainer(tmp_path, monitors, max_epochs=3)
    with pytest.warns(UserWarning, match="collapsed: the encoder") as caught:
        trainer.fit(Collapsing(), ToyData())
    messages = [str(warning.message) for warning in caught]
    flags = [message for message in messages if "collapsed: the encoder's features" in message]
    assert len(flags) == 1
    assert flags[0].startswith("epoch 2:")
    assert "collapsed: the encoder's features all point the same way (deviation" in capsys.readouterr().out
    scalars = trainer.callback_metrics
    assert scalars["val/rld_0.1"].isnan()
    assert scalars["val/gcn_accuracy"].isnan()
    assert scalars["val/feature_std"] < 1e-6


def test_a_spread_encoder_is_not_flagged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alarm = CollapseAlarm()
    toy_trainer(tmp_path, [FeatureCollector(), OrganizationMetrics(), alarm, MeasurementTable()]).fit(
        ToyMethod(), ToyData()
    )
    assert alarm.finding == ""
    assert "collapsed" not in capsys.readouterr().out


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_features_that_are_no_numbers_are_logged_as_nan_and_end_nothing(tmp_path: Path, value: float) -> None:
    monitors = [FeatureCollector(), OrganizationMetrics(), ProbeMonitor(), CollapseAlarm(), FeatureMap(every_n=1)]
    trainer = toy_trainer(tmp_path, monitors)
    with pytest.warns(UserWarning, match="logged as NaN"):
        trainer.fit(Collapsing(value), ToyData())
    assert trainer.global_step == 8
    measured = {
        name: score
        for name, score in trainer.callback_metrics.items()
        if not name.endswith("_parameters") and not name.startswith("wall_seconds/")
    }
    assert measured
    assert all(score.isnan() for score in measured.values()), measured


class BrokenMetric(FeatureMetric):
    def update(self, features: Tensor, labels: Tensor) -> None:
        raise IndexError("out of range")

    def compute(self) -> Tensor:
        raise NotImplementedError


class BrokenProbe(KNNProbe):
    def fit(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no memory")


class BrokenMonitor(FeatureCallback):
    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        raise ZeroDivisionError("division by zero")


@pytest.mark.parametrize(
    ("monitor", "message", "name"),
    [
        (
            OrganizationMetrics([BrokenMetric(), torchmetrics.MeanMetric()]),
            r"(?s)BrokenMetric is undefined here.*Traceback.*test_collapse\.py",
            "val/broken_metric",
        ),
        (
            ProbeMonitor([BrokenProbe()]),
            r"(?s)BrokenProbe could not be fitted.*RuntimeError: no memory.*Traceback.*test_collapse\.py",
            "val/knn_accuracy",
        ),
        (
            BrokenMonitor(),
            r"(?s)BrokenMonitor failed and measured nothing in epoch 1.*Traceback.*test_collapse\.py.*division by zero",
            None,
        ),
    ],
    ids=["metric", "probe", "monitor"],
)
def test_a_broken_monitor_warns_and_ends_nothing(
    tmp_path: Path, monitor: FeatureCallback, message: str, name: str | None
) -> None:
    trainer = toy_trainer(tmp_path, [FeatureCollector(), monitor])
    with pytest.warns(UserWarning, match=message):
        trainer.fit(ToyMethod(), ToyData())
    assert trainer.global_step == 8
    assert name is None or trainer.callback_metrics[name].isnan()


def test_a_broken_monitor_is_an_error_where_there_is_no_training_to_protect(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        toy_trainer(tmp_path, [FeatureCollector(), BrokenMonitor()]).validate(ToyMethod(), ToyData(), verbose=False)


def test_a_bad_threshold_is_refused() -> None:
    with pytest.raises(ValueError, match="threshold: expected a number between 0 and 1, got 0"):
        CollapseAlarm(threshold=0)
