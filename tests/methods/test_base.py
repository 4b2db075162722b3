import math
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor
from torch.utils.data import DataLoader

from csl.encoders import ConvNet
from csl.methods import Method, Optimization
from csl.types import Batch, Features, View
from tests.methods.toy import (
    EVERY,
    METHODS,
    ONE,
    QUICK,
    ToyData,
    small_vit,
    toy_batch,
    toy_method,
    toy_trainer,
    weights,
)


class _Recorder(Callback):
    """What each training batch saw and left."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.losses: list[float] = []

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        self.rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
        self.losses.append(float(outputs["loss"]))


class _Drawing(Method):
    """A method whose loss is a random number; it remembers them."""

    accumulates = False

    def training_loss(self, batch: Batch) -> Tensor:
        draw = torch.rand(())
        self.draws = [*getattr(self, "draws", []), float(draw)]
        return draw + 0.0 * self.encoder(batch.views[0]).sum()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains(name: str, tmp_path: Path) -> None:
    method, recorder = toy_method(name), _Recorder()
    data = ToyData(method.views)
    before = weights(method)
    logger = CSVLogger(tmp_path)
    toy_trainer(max_epochs=3, callbacks=[recorder], logger=logger, log_every_n_steps=1).fit(method, datamodule=data)
    assert len(recorder.losses) == 12
    assert all(math.isfinite(loss) for loss in recorder.losses)
    assert all(not torch.equal(p, before[key]) for key, p in method.named_parameters() if p.requires_grad)
    header = Path(logger.log_dir, "metrics.csv").read_text().splitlines()[0].split(",")
    assert {"train/loss", "train/lr"} <= set(header)


# A loss against targets that move, or a covariance that grows, need not fall; and VICReg's is steep.
STANDING_STILL: dict[str, dict[str, Any]] = {
    "BYOL": {"momentum": 1.0},
    "TiCo": {"momentum": 1.0, "beta": 0.0},
    "VICReg": {"optimization": Optimization("sgd", lr=0.32, warmup_epochs=1)},
}


@pytest.mark.parametrize("name", METHODS)
def test_a_few_epochs_lower_the_loss(name: str) -> None:
    method, recorder = toy_method(name, **STANDING_STILL.get(name, {})), _Recorder()
    toy_trainer(max_epochs=15, callbacks=[recorder]).fit(method, datamodule=ToyData(method.views))
    assert sum(recorder.losses[-4:]) < sum(recorder.losses[4:8])


def test_rate_is_scaled_by_the_global_batch_and_follows_the_schedule() -> None:
    recorder = _Recorder()
    optimization = Optimization("sgd", lr=3.2, warmup_epochs=1, final_lr=0.32)
    method = toy_method("BYOL", optimization=optimization)
    toy_trainer(max_epochs=3, callbacks=[recorder]).fit(method, datamodule=ToyData())
    assert recorder.rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert recorder.rates[-1] == pytest.approx(0.01)
    assert recorder.rates[4:] == sorted(recorder.rates[4:], reverse=True)


def test_accumulated_batches_count_into_the_global_batch() -> None:
    recorder = _Recorder()
    method = toy_method("BYOL", optimization=Optimization("sgd", lr=3.2, warmup_epochs=0))
    trainer = toy_trainer(callbacks=[recorder], accumulate_grad_batches=2)
    trainer.fit(method, datamodule=ToyData())
    assert recorder.rates[0] == pytest.approx(0.2)
    assert trainer.global_step == 4


def test_plain_loader_tells_the_batch_size() -> None:
    recorder = _Recorder()
    loader: Any = DataLoader(list(range(32)), batch_size=4, collate_fn=lambda indices: toy_batch(indices))  # type: ignore[arg-type]
    method = toy_method("BYOL", optimization=Optimization("sgd", lr=3.2, warmup_epochs=0))
    toy_trainer(callbacks=[recorder]).fit(method, loader)
    assert recorder.rates[0] == pytest.approx(0.05)


def test_unknown_batch_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="data: expected a data module or a training loader with an int `batch_size`"):
        toy_trainer().fit(toy_method("BYOL"), [toy_batch([0, 1])])


def test_training_without_end_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"trainer.max_epochs: expected an end"):
        toy_trainer(max_epochs=-1).fit(toy_method("BYOL"), datamodule=ToyData())


RISING = Optimization("sgd", lr=3.2, warmup_epochs=1)


@pytest.mark.parametrize("limits", [{"max_epochs": -1, "max_steps": 10}, {"max_epochs": None, "max_steps": 10}])
def test_a_run_limited_by_steps_alone_has_its_warmup_and_its_end(limits: dict[str, Any]) -> None:
    recorder = _Recorder()
    toy_trainer(callbacks=[recorder], **limits).fit(toy_method("BYOL", optimization=RISING), datamodule=ToyData())
    expected = [0.025, 0.05, 0.075, 0.1] + [0.05 * (1 + math.cos(math.pi * step / 5)) for step in range(6)]
    assert recorder.rates == pytest.approx(expected)


def test_a_plain_loader_and_steps_alone() -> None:
    recorder = _Recorder()
    loader: Any = DataLoader(list(range(32)), batch_size=8, collate_fn=lambda indices: toy_batch(indices))  # type: ignore[arg-type]
    toy_trainer(max_epochs=-1, max_steps=10, callbacks=[recorder]).fit(toy_method("BYOL", optimization=RISING), loader)
    assert recorder.rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])


def test_a_schedule_of_accumulation_is_refused_where_the_method_accumulates() -> None:
    schedule = GradientAccumulationScheduler({0: 1, 1: 4})
    with pytest.raises(ValueError, match=r"no GradientAccumulationScheduler.*Use trainer.accumulate_grad_batches"):
        toy_trainer(callbacks=[schedule]).fit(toy_method("BYOL"), datamodule=ToyData())


def test_a_warmup_as_long_as_the_training_is_said(caplog: pytest.LogCaptureFixture) -> None:
    def fit(epochs: int) -> str:
        caplog.clear()
        with caplog.at_level("INFO"):
            toy_trainer(max_epochs=epochs).fit(toy_method("BYOL", optimization=RISING), datamodule=ToyData())
        return caplog.text

    assert "the warm-up of 1 epochs (4 steps) is as long as the training (4 steps)" in fit(1)
    assert "warm-up" not in fit(2)


def continued(path: Path, batch_size: int = 8, **trainer: Any) -> list[float]:
    """The rates of a run that goes on after two epochs of four steps each, with a lower rate than before."""
    before = toy_trainer(max_epochs=2)
    before.fit(toy_method("BYOL", optimization=RISING), datamodule=ToyData())
    before.save_checkpoint(path)
    recorder = _Recorder()
    method = toy_method("BYOL", optimization=Optimization("sgd", lr=1.6, momentum=0.5, weight_decay=0.25))
    fit = toy_trainer(callbacks=[recorder], **trainer)
    fit.fit(method, datamodule=ToyData(batch_size=batch_size), ckpt_path=path)
    assert {group["momentum"] for group in fit.optimizers[0].param_groups} == {0.5}
    assert fit.optimizers[0].param_groups[0]["weight_decay"] == 0.25
    return recorder.rates


def test_a_run_that_is_extended_takes_its_next_step_on_the_new_schedule(tmp_path: Path) -> None:
    # The warm-up of ten epochs would take 40 steps: of 16 that there are now, it rises to the last.
    assert continued(tmp_path / "a.ckpt", max_epochs=4) == pytest.approx([0.05 * step / 16 for step in range(9, 17)])


def test_another_batch_size_scales_the_rate_and_gives_the_schedule_its_length(tmp_path: Path) -> None:
    # Eight steps are done; two epochs of eight steps follow.
    rates = continued(tmp_path / "a.ckpt", batch_size=4, max_epochs=4)
    assert rates == pytest.approx([0.025 * step / 24 for step in range(9, 25)])


def test_a_run_that_is_extended_by_steps(tmp_path: Path) -> None:
    rates = continued(tmp_path / "a.ckpt", max_epochs=-1, max_steps=10)
    assert rates == pytest.approx([0.045, 0.05])


def test_fast_dev_run_works_with_a_long_warmup() -> None:
    toy_trainer(fast_dev_run=True, limit_val_batches=1).fit(
        toy_method("SimCLR", optimization=Optimization(warmup_epochs=10)), datamodule=ToyData()
    )


def test_wrong_number_of_views_is_named() -> None:
    with pytest.raises(ValueError, match=r"batch.views: expected 2 views for SimCLR, got 1"):
        toy_trainer().fit(toy_method("SimCLR"), datamodule=ToyData(ONE))


def test_accumulation_is_refused_where_the_loss_needs_the_whole_batch() -> None:
    with pytest.raises(ValueError, match=r"trainer.accumulate_grad_batches: expected 1 for SimCLR.*got 2"):
        toy_trainer(accumulate_grad_batches=2).fit(toy_method("SimCLR"), datamodule=ToyData())


def test_a_schedule_of_accumulation_is_refused_there_too() -> None:
    schedule = GradientAccumulationScheduler({0: 1, 1: 4})
    with pytest.raises(ValueError, match=r"accumulate_grad_batches: expected 1 for SimCLR.*got 4"):
        toy_trainer(callbacks=[schedule]).fit(toy_method("SimCLR"), datamodule=ToyData())


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_gradients_are_clipped_in_every_precision(optimizer: Any, precision: Any) -> None:
    method = toy_method("BYOL", optimization=Optimization(optimizer, lr=0.01))
    trainer = toy_trainer(max_steps=2, precision=precision, gradient_clip_val=1.0)
    trainer.fit(method, datamodule=ToyData())
    assert trainer.global_step == 2


class _RandomState(Callback):
    """Compares the global random state before and after a step."""

    def on_train_batch_start(self, *_: Any) -> None:
        self.before = torch.get_rng_state()

    def on_train_batch_end(self, *_: Any) -> None:
        assert torch.equal(torch.get_rng_state(), self.before)


def test_random_numbers_in_a_step_are_derived_and_leave_the_global_state() -> None:
    draws = []
    for global_seed in (1, 2):
        method = _Drawing(ConvNet(width=2), QUICK)
        torch.manual_seed(global_seed)
        toy_trainer(callbacks=[_RandomState()]).fit(method, datamodule=ToyData())
        draws.append(method.draws)
    assert draws[0] == draws[1]
    assert len(set(draws[0])) == 8


def test_seed_everything_changes_the_draws(monkeypatch: Any) -> None:
    draws = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PL_GLOBAL_SEED", seed)
        method = _Drawing(ConvNet(width=2), QUICK)
        toy_trainer(max_epochs=1).fit(method, datamodule=ToyData())
        draws.append(method.draws)
    assert not set(draws[0]) & set(draws[1])


class _Keeper(Callback):
    def __init__(self) -> None:
        self.kept: list[tuple[int, dict[str, Features]]] = []

    def on_validation_batch_end(
        self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int, dataloader_idx: int = 0
    ) -> None:
        self.kept.append((dataloader_idx, outputs))


@pytest.mark.parametrize("name", EVERY)
def test_validation_gives_clean_features(name: str) -> None:
    method, keeper = toy_method(name, dropout=True), _Keeper()
    trainer = toy_trainer(limit_val_batches=1.0, callbacks=[keeper])
    trainer.validate(method, datamodule=ToyData((View(3),)), verbose=False)
    method.eval()
    held_out = [output["encoder"] for loader, output in keeper.kept if loader == 1]
    batch = toy_batch(list(range(9)), ONE)
    with torch.no_grad():
        expected = method(batch.views[0])
    values, labels, index = (torch.cat(column) for column in zip(*held_out, strict=True))
    torch.testing.assert_close(values, expected)
    assert torch.equal(labels, batch.labels)
    assert torch.equal(index, batch.index)
    assert values.dtype == torch.float32
    assert not values.requires_grad
    assert next(iter(keeper.kept[0][1])) == "encoder"


def test_prediction_gives_the_encoders_features() -> None:
    method = toy_method("SimCLR")
    predictions: Any = toy_trainer().predict(method, datamodule=ToyData())
    assert all(isinstance(part, Features) for part in predictions)
    assert sum(len(part.index) for part in predictions) == 9
    assert predictions[0].values.shape == (8, method.encoder.feature_dim)


def test_checkpoint_names_its_method_and_loads_without_code(tmp_path: Path) -> None:
    method = toy_method("MoCo")
    trainer = toy_trainer(max_epochs=1)
    trainer.fit(method, datamodule=ToyData())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert checkpoint["csl_method"] == "csl.methods.moco.MoCo"
    assert {"queue.features", "queue.position"} <= set(checkpoint["state_dict"])
    assert "hyper_parameters" not in checkpoint
    with pytest.raises(ValueError, match=r"checkpoint: expected one of BYOL, got one of csl.methods.moco.MoCo"):
        toy_trainer(max_epochs=2).fit(toy_method("BYOL"), datamodule=ToyData(), ckpt_path=tmp_path / "a.ckpt")


def test_loss_must_be_implemented() -> None:
    with pytest.raises(NotImplementedError, match="Method does not implement training_loss"):
        Method(small_vit()).training_loss(toy_batch([0]))


def test_same_class_as_a_script_is_accepted() -> None:
    toy_method("BYOL").on_load_checkpoint({"csl_method": "__main__.BYOL"})
    toy_method("BYOL").on_load_checkpoint({})


@pytest.mark.parametrize("name", sorted(EVERY.keys() - {"Frozen", "Supervised"}))
def test_a_loss_given_without_options_is_the_methods_own(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`DINO(encoder, loss=DINOLoss())` is `DINO(encoder)`, where the loss is one of `csl.losses`."""
    kind: Any = type(toy_method(name).loss)
    build, given = kind.__init__, []

    def recorded(self: Any, *values: Any, **named: Any) -> None:
        given.append(signature(build).bind(self, *values, **named).arguments)
        build(self, *values, **named)

    monkeypatch.setattr(kind, "__init__", recorded)
    toy_method(name)
    defaults = {
        option: one.default for option, one in signature(build).parameters.items() if one.default is not one.empty
    }
    assert given
    assert all(value == defaults[option] for option, value in given[-1].items() if option in defaults)
