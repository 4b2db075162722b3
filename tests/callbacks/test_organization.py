import math
from typing import Any, get_args

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from csl.callbacks import FeatureCallback, FeatureCollector, OrganizationMetrics
from csl.callbacks.organization import Panel
from csl.metrics import CalinskiHarabaszScore, FeatureStd, RankMe, RelativeLocalDensity, functional
from csl.metrics.measures import DEFAULT, MEASURES
from tests.methods.toy import ToyData, toy_method, toy_trainer
from tests.metrics.panel import PANEL

OUTPUTS = ("encoder", "projection_head", "momentum_encoder")


class Keeper(FeatureCallback):
    """Keeps the features of the last pass."""

    def on_features(self, trainer: Trainer, module: LightningModule, features: Any) -> None:
        self.features = features


def _fit(name: str, *callbacks: FeatureCallback) -> dict[str, float]:
    trainer = toy_trainer(callbacks=[FeatureCollector(), *callbacks], limit_val_batches=1.0)
    method = toy_method(name)
    trainer.fit(method, ToyData(method.views))
    return {key: float(value) for key, value in trainer.callback_metrics.items()}


@pytest.mark.parametrize(("method", "normalize"), [("MoCo", True), ("BYOL", False)])
def test_the_same_metrics_of_several_outputs_have_a_prefix_each(method: str, normalize: bool) -> None:
    """Of features with length 1, as in the paper, unless they are wanted as they are."""
    keeper = Keeper()
    metrics = [FeatureStd(), RankMe()]
    monitor = OrganizationMetrics(metrics, outputs=OUTPUTS)
    if not normalize:
        monitor = OrganizationMetrics(metrics, normalize=False, outputs=OUTPUTS)
    logged = _fit(method, monitor, keeper)
    for output in OUTPUTS:
        prefix = "" if output == "encoder" else f"{output}/"
        for part, rows in zip(("train", "val"), keeper.features[output], strict=True):
            values = torch.nn.functional.normalize(rows.values) if normalize else rows.values
            assert logged[f"{part}/{prefix}feature_std"] == pytest.approx(float(functional.feature_std(rows.values)))
            assert logged[f"{part}/{prefix}rankme"] == pytest.approx(float(functional.rankme(values)))
    assert logged["val/rankme"] != logged["val/momentum_encoder/rankme"]


def test_a_costly_output_is_computed_only_where_a_callback_names_it() -> None:
    method, keeper = toy_method("MoCo"), Keeper()
    momentum_encoder = method.get_submodule("momentum_encoder")
    calls: list[bool] = []
    momentum_encoder.register_forward_hook(lambda module, *_: calls.append(module.training))
    trainer = toy_trainer(callbacks=[FeatureCollector(), keeper], limit_val_batches=1.0, max_epochs=1)
    trainer.fit(method, ToyData())
    assert calls
    assert all(calls)  # in training only
    assert list(keeper.features) == ["encoder"]


def test_seconds_are_logged_beside_each_metric_on_request() -> None:
    metrics = [RelativeLocalDensity([1.0, 0.1]), CalinskiHarabaszScore()]
    names = ["rld_1.0", "rld_0.1", "rld_1.0_seconds", "calinski_harabasz", "calinski_harabasz_seconds"]
    logged = _fit("Supervised", OrganizationMetrics(metrics, log_seconds=True))
    assert {f"{part}/{name}" for part in ("train", "val") for name in names} <= set(logged)
    assert all(0 < logged[name] < 60 for name in logged if name.endswith("_seconds"))
    without = _fit("Supervised", OrganizationMetrics(metrics))
    assert not [name for name in without if name.endswith("_seconds")]


@pytest.mark.filterwarnings("ignore:.*NaN")
def test_the_whole_panel_can_be_logged_in_a_fit() -> None:
    metrics = [entry.shell() for entry in PANEL.values()]
    logged = _fit("Supervised", OrganizationMetrics(metrics))
    for entry in PANEL.values():
        for name in entry.names:
            assert f"train/{name}" in logged, name
            assert math.isfinite(logged[f"train/{name}"]), name
    assert {name.removeprefix("val/") for name in logged} >= set(MEASURES["kmeans"].scalar_names())


def test_the_quick_and_the_slow_measures_are_the_panel() -> None:
    """As they are declared; nothing lists them."""
    named = {which: [type(one).__name__ for one in OrganizationMetrics(which).metrics] for which in get_args(Panel)}
    assert sorted(named["quick"] + named["slow"]) == sorted(named["panel"])
    assert named["quick"] == ["CalinskiHarabaszScore", "RelativeLocalDensity", "FeatureStd"]
    assert len(named["panel"]) == len(DEFAULT)


def test_names_that_collide_are_refused() -> None:
    with pytest.raises(ValueError, match=r"metrics: expected one of each name, got several called rld_0\.1"):
        OrganizationMetrics([RelativeLocalDensity([1.0, 0.1]), RelativeLocalDensity([0.1])])
