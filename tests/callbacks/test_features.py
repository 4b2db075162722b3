import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from csl.callbacks import FeatureCallback, FeatureCollector
from csl.callbacks.rows import Rows
from csl.types import Features, Split
from tests.callbacks.toy import Points, ToyData, ToyMethod, toy_trainer


class Recorder(FeatureCallback):
    def __init__(self, every_n: int = 1) -> None:
        super().__init__(every_n)
        self.seen: list[tuple[int, Mapping[str, Split]]] = []

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        self.seen.append((trainer.current_epoch, features))


class Careless(FeatureCallback):
    """Draws from every global generator and trains something, as a user's callback might."""

    def on_features(self, trainer: pl.Trainer, module: pl.LightningModule, features: Mapping[str, Split]) -> None:
        torch.rand(3), np.random.rand(3), random.random()
        probe = torch.nn.Linear(3, 1)
        probe(features["encoder"].train.values).sum().backward()


def test_every_sample_arrives_once_in_order_and_with_its_label(tmp_path: Path) -> None:
    recorder = Recorder()
    toy_trainer(tmp_path, [FeatureCollector(), recorder]).fit(ToyMethod(), ToyData())
    assert [epoch for epoch, _ in recorder.seen] == [0, 1]
    for _, features in recorder.seen:
        train, val = features["encoder"]
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
    assert collector.state_dict() == {"passes": 7}


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
    assert not recorder.seen[0][1]["encoder"].train.values.is_inference()


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
    seconds = {name: float(value) for name, value in trainer.callback_metrics.items() if name.startswith("seconds/")}
    assert set(seconds) == {"seconds/features", "seconds/Slow_1", "seconds/Slow_2", "seconds/Recorder"}
    assert min(seconds["seconds/Slow_1"], seconds["seconds/Slow_2"]) >= 0.02
    assert seconds["seconds/features"] > 0
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
