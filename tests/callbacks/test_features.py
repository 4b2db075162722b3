import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils._python_dispatch import TorchDispatchMode

from csl.callbacks import (
    CollapseAlarm,
    FeatureCallback,
    FeatureCollector,
    MeasurementTable,
    OrganizationMetrics,
    ProbeMonitor,
    RunCheckpoint,
)
from csl.callbacks.rows import Rows
from csl.probes import KNNProbe
from csl.runs import LAST, Run
from csl.types import Features, Split
from tests.callbacks.toy import Points, ToyData, ToyMethod, toy_trainer


class Recorder(FeatureCallback):
    def __init__(self, every_n: int = 1) -> None:
        super().__init__(every_n)
        self.seen: list[tuple[int, Mapping[str, Split]]] = []

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        self.seen.append((trainer.current_epoch, features))


def reference(features: Mapping[str, Split]) -> Features:
    """The encoder's features of the reference set."""
    train = features["encoder"].train
    assert train is not None
    return train


class Careless(FeatureCallback):
    """Draws from every global generator and trains something, as a user's callback might."""

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        torch.rand(3), np.random.rand(3), random.random()
        probe = torch.nn.Linear(3, 1)
        probe(reference(features).values).sum().backward()


def test_every_sample_arrives_once_in_order_and_with_its_label(tmp_path: Path) -> None:
    recorder = Recorder()
    toy_trainer(tmp_path, [FeatureCollector(), recorder]).fit(ToyMethod(), ToyData())
    assert [epoch for epoch, _ in recorder.seen] == [0, 1]
    for _, features in recorder.seen:
        train, val = reference(features), features["encoder"].val
        assert train.index.tolist() == list(range(16))
        assert val.index.tolist() == list(range(10))
        assert torch.equal(val.labels, Points(10).labels)
        assert train.values.shape == (16, 3)


def test_features_are_those_of_the_current_weights(tmp_path: Path) -> None:
    recorder, method = Recorder(), ToyMethod()
    toy_trainer(tmp_path, [FeatureCollector(), recorder]).fit(method, ToyData())
    with torch.no_grad():
        torch.testing.assert_close(recorder.seen[-1][1]["encoder"].val.values, method.encoder(Points(10).points))


def test_every_n_counts_passes_and_never_misses_the_last(tmp_path: Path) -> None:
    recorder = Recorder(every_n=3)
    toy_trainer(tmp_path, [FeatureCollector(), recorder], max_epochs=6).fit(ToyMethod(), ToyData())
    assert [epoch for epoch, _ in recorder.seen] == [0, 3, 5]


def test_the_count_of_passes_survives_a_checkpoint() -> None:
    collector = FeatureCollector()
    collector.load_state_dict({"passes": 7})
    assert collector.state_dict() == {"passes": 7, "scalars": []}


def test_sanity_check_and_partial_passes_are_not_measured(tmp_path: Path) -> None:
    recorder = Recorder()
    trainer = toy_trainer(tmp_path, [FeatureCollector(), recorder], num_sanity_val_steps=2, max_epochs=1)
    trainer.fit(ToyMethod(), ToyData())
    assert len(recorder.seen) == 1
    trainer = toy_trainer(tmp_path, [FeatureCollector(), recorder], limit_val_batches=1)
    with pytest.warns(UserWarning, match="only a part of the evaluation sets"):
        trainer.fit(ToyMethod(), ToyData())
    assert len(recorder.seen) == 1


@pytest.mark.parametrize("command", ["validate", "test"])
def test_gradients_work_although_the_pass_runs_in_inference_mode(tmp_path: Path, command: str) -> None:
    recorder = Recorder()
    trainer = toy_trainer(tmp_path, [FeatureCollector(), Careless(), recorder])
    getattr(trainer, command)(ToyMethod(), ToyData(), verbose=False)
    assert len(recorder.seen) == 1
    assert not reference(recorder.seen[0][1]).values.is_inference()


def test_watching_changes_nothing(tmp_path: Path) -> None:
    def trained(*callbacks: pl.Callback) -> tuple[torch.Tensor, torch.Tensor, float]:
        pl.seed_everything(0, verbose=False)
        method = ToyMethod()
        toy_trainer(tmp_path, list(callbacks)).fit(method, ToyData())
        return method.encoder.weight.detach(), torch.rand(1), random.random()

    plain, watched = trained(), trained(FeatureCollector(), Careless())
    assert torch.equal(plain[0], watched[0])
    assert torch.equal(plain[1], watched[1])
    assert plain[2] == watched[2]


def test_a_monitor_without_a_collector_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Recorder needs a FeatureCollector"):
        toy_trainer(tmp_path, [Recorder()]).fit(ToyMethod(), ToyData())


def test_a_method_that_returns_no_features_is_named(tmp_path: Path) -> None:
    class Forgetful(ToyMethod):
        def validation_step(self, *args: object, **kwargs: object) -> None:  # type: ignore[override]
            return None

    with pytest.raises(TypeError, match=r"Forgetful\.validation_step: expected it to return a dict"):
        toy_trainer(tmp_path, [FeatureCollector(), Recorder()]).fit(Forgetful(), ToyData())


def test_a_bad_every_n_is_refused() -> None:
    with pytest.raises(ValueError, match="every_n: expected a positive number"):
        Recorder(every_n=0)


def test_what_measuring_costs_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Slow(FeatureCallback):
        def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
            time.sleep(0.02)

    trainer = toy_trainer(tmp_path, [FeatureCollector(), Slow(), Slow(), Recorder()])
    with caplog.at_level("INFO"):
        trainer.fit(ToyMethod(), ToyData())
    seconds = {
        name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("wall_seconds/")
    }
    assert set(seconds) == {
        "wall_seconds/features",
        "wall_seconds/Slow_1",
        "wall_seconds/Slow_2",
        "wall_seconds/Recorder",
    }
    assert min(seconds["wall_seconds/Slow_1"], seconds["wall_seconds/Slow_2"]) >= 0.02
    assert seconds["wall_seconds/features"] > 0
    (line,) = [record.message for record in caplog.records if "measuring took" in record.message]
    assert "Slow_2 0." in line
    assert "%" in line


class _SetsMade(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes what takes memory for 10 feature vectors or more, which is more than a batch."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.made: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if isinstance(out, torch.Tensor) and out.ndim == 2 and out.shape[1] == 3 and len(out) >= 10:
            held = {part.data_ptr() for part in args if isinstance(part, torch.Tensor)}
            if out.data_ptr() not in held:
                self.made.append(func.name())
        return out


@pytest.mark.parametrize("command", ["fit", "validate"])
def test_a_set_of_features_is_held_once(tmp_path: Path, command: str) -> None:
    trainer = toy_trainer(tmp_path, [FeatureCollector(), Recorder()], max_epochs=1)
    with _SetsMade() as sets:
        getattr(trainer, command)(ToyMethod(), ToyData())
    assert sets.made == ["aten::new_empty"] * 2


def test_batches_may_grow() -> None:
    rows = Rows(num_batches=1)
    for start, stop in ((0, 1), (1, 4), (4, 9)):
        index = torch.arange(start, stop)
        rows.add(Features(index[:, None].float(), index, index))
    assert rows.all().values.flatten().tolist() == rows.all().index.tolist() == list(range(9))


class Steps(FeatureCallback):
    """Logs after how many steps it measured."""

    def __init__(self, every_n: int = 1) -> None:
        super().__init__(every_n)
        self.seen: list[int] = []

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        self.seen.append(trainer.global_step)
        module.log("val/steps", float(trainer.global_step))


class StopAt(pl.Callback):
    """Ends the fit in the middle of its second epoch of four steps, as a limit of time does."""

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        trainer.should_stop |= trainer.global_step == 6


ENDS: dict[str, tuple[dict[str, Any], int]] = {
    "an epoch without a pass": ({"max_epochs": 3, "check_val_every_n_epoch": 2}, 12),
    "fewer epochs than a pass takes": ({"max_epochs": 3, "check_val_every_n_epoch": 5}, 12),
    "steps in the middle of an epoch": ({"max_epochs": -1, "max_steps": 6}, 6),
    "passes in the middle of epochs": ({"max_epochs": 2, "val_check_interval": 3}, 8),
    "somebody who stops it": ({"max_epochs": 5, "callbacks": [StopAt()]}, 6),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_fit_is_measured_whatever_ends_it(tmp_path: Path, end: str) -> None:
    options, steps = ENDS[end]
    often, seldom = Steps(), Steps(every_n=3)
    collector, logger = FeatureCollector(), CSVLogger(tmp_path, name="", version="run")
    callbacks = [*options.get("callbacks", []), collector, often, seldom, RunCheckpoint()]
    trainer = toy_trainer(tmp_path, callbacks, logger=logger, **{k: v for k, v in options.items() if k != "callbacks"})
    trainer.fit(ToyMethod(), ToyData())
    assert trainer.global_step == steps
    assert often.seen[-1] == seldom.seen[-1] == steps
    assert len(set(often.seen)) == len(often.seen)
    scalars = Run(tmp_path / "run").scalars()["val/steps"]
    assert scalars[steps - 1] == steps
    assert max(scalars) == steps - 1
    assert f"step {steps}" in collector.measured
    assert torch.load(tmp_path / "run" / LAST, weights_only=True)["global_step"] == steps


def test_an_early_stop_measures_what_was_not_due(tmp_path: Path) -> None:
    seldom, often = Steps(every_n=3), Recorder()
    stopping = EarlyStopping("val/steps", mode="min", patience=1, check_on_train_epoch_end=False)
    fit = toy_trainer(tmp_path, [FeatureCollector(), seldom, often, stopping], max_epochs=20)
    fit.fit(ToyMethod(), ToyData())
    # Measured after epochs 1 and 4; the second is no better, and epochs 2 and 3 do not count.
    assert seldom.seen == [4, 16]
    assert fit.current_epoch == 4
    assert len(often.seen) == 4


@pytest.mark.parametrize("options", [{"max_epochs": -1, "max_steps": 7}, {"max_epochs": 3}])
def test_extra_passes_change_no_weight_and_no_generator(tmp_path: Path, options: dict[str, Any]) -> None:
    class Drawing(ToyMethod):
        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            return super().training_step(batch, batch_idx) * torch.rand(())

    def trained(limit: float, untrained: bool) -> tuple[torch.Tensor, torch.Tensor]:
        pl.seed_everything(0, verbose=False)
        method, callbacks = Drawing(), [FeatureCollector(untrained), Careless()]
        trainer = toy_trainer(tmp_path, callbacks, limit_val_batches=limit, check_val_every_n_epoch=10, **options)
        trainer.fit(method, ToyData())
        assert method.training
        return method.encoder.weight.detach(), torch.rand(1)

    for ours, theirs in zip(trained(1.0, True), trained(0, False), strict=True):
        assert torch.equal(ours, theirs)


def test_the_untrained_network_is_measured_where_that_is_asked_for(tmp_path: Path) -> None:
    recorder, steps = Recorder(), Steps()
    logger = CSVLogger(tmp_path, name="", version="run")
    method = ToyMethod()
    before = method.encoder(Points(10).points).detach()
    trainer = toy_trainer(tmp_path, [FeatureCollector(untrained=True), recorder, steps], logger=logger)
    trainer.fit(method, ToyData())
    assert torch.equal(recorder.seen[0][1]["encoder"].val.values, before)
    assert Run(tmp_path / "run").scalars()["val/steps"] == {0: 0, 3: 4, 7: 8}


def test_what_was_not_measured_is_not_watched(tmp_path: Path) -> None:
    best = ModelCheckpoint(tmp_path, "{epoch}-{val/steps:.0f}", "val/steps", mode="max", save_top_k=-1)
    toy_trainer(tmp_path, [FeatureCollector(), Steps(every_n=2), best], max_epochs=4).fit(ToyMethod(), ToyData())
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.ckpt"))
    assert names == ["epoch=0-val/steps=4.ckpt", "epoch=2-val/steps=12.ckpt", "epoch=3-val/steps=16.ckpt"]


def test_what_was_not_measured_is_not_watched_after_a_resume(tmp_path: Path) -> None:
    def fit(epochs: int, checkpoint: Path | None = None) -> list[str]:
        best = ModelCheckpoint(tmp_path, "{epoch}", "val/steps", mode="max", save_top_k=-1)
        trainer = toy_trainer(tmp_path, [FeatureCollector(), Steps(every_n=3), best], max_epochs=epochs)
        trainer.fit(ToyMethod(), ToyData(), ckpt_path=checkpoint)
        return sorted(path.name for path in tmp_path.glob("*.ckpt"))

    assert fit(1) == ["epoch=0.ckpt"]
    assert fit(3, tmp_path / "epoch=0.ckpt") == ["epoch=0.ckpt", "epoch=2.ckpt"]


def test_fast_dev_run_tries_the_monitors_on_what_it_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps(every_n=7)
    callbacks = [FeatureCollector(), steps, MeasurementTable()]
    toy_trainer(tmp_path, callbacks, fast_dev_run=True).fit(ToyMethod(), ToyData())
    assert steps.seen == [1]
    assert "on the part of the images that fast_dev_run takes" in capsys.readouterr().out


def test_the_table_says_of_when_it_is_and_leaves_out_what_is_older(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Failing(Steps):
        def on_features(self, trainer: pl.Trainer, *args: Any) -> None:
            if trainer.global_step > 8:
                raise ZeroDivisionError
            super().on_features(trainer, *args)

    class Other(FeatureCallback):
        def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
            module.log("val/other", 1.0)

    callbacks = [FeatureCollector(), Failing(), Other(), MeasurementTable()]
    trainer = toy_trainer(tmp_path, callbacks, max_epochs=3, check_val_every_n_epoch=2)
    with pytest.warns(UserWarning, match="Failing failed and measured nothing in epoch 3"):
        trainer.fit(ToyMethod(), ToyData())
    printed = capsys.readouterr().out
    assert "ToyMethod after epoch 3 (step 12)" in printed
    assert "other" in printed
    assert "steps" not in printed


class OtherLoaders(ToyData):
    """Some of four loaders, in a list, or one alone."""

    def __init__(self, which: int | slice) -> None:
        super().__init__()
        self.which = which

    def val_dataloader(self) -> Any:
        return (2 * super().val_dataloader())[self.which]


def test_more_than_two_loaders_are_refused_before_training(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [FeatureCollector()])
    with pytest.raises(ValueError, match=r"val_dataloader: expected two loaders, of the .* or one .* alone, got 3"):
        trainer.fit(ToyMethod(), OtherLoaders(slice(3)))
    assert trainer.global_step == 0


@pytest.mark.parametrize("which", [1, slice(1, 2)], ids=["alone", "in a list"])
def test_one_loader_is_the_held_out_set_alone(
    tmp_path: Path, which: int | slice, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder()
    monitors: list[FeatureCallback] = [OrganizationMetrics(), ProbeMonitor([KNNProbe()]), CollapseAlarm()]
    trainer = toy_trainer(tmp_path, [FeatureCollector(), *monitors, recorder])
    with caplog.at_level("INFO"):
        trainer.fit(ToyMethod(), OtherLoaders(which))
    split = recorder.seen[0][1]["encoder"]
    assert split.train is None
    assert split.val.index.tolist() == list(range(10))
    both = toy_trainer(tmp_path, [FeatureCollector(), *monitors])
    both.fit(ToyMethod(), ToyData())
    own, other = trainer.callback_metrics, both.callback_metrics
    measured = {name for name in own if name.startswith(("train/", "val/"))}
    assert "val/rld_0.1" in measured
    assert measured == {name for name in other if name.startswith("val/") and "knn" not in name}
    assert "there is no reference set to learn from: no probe is fitted (knn)" in caplog.text
