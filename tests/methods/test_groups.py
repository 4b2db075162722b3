"""Parameters with rules of their own: rates, decay, what is logged, and a resumed run."""

from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from csl.encoders import ConvNet
from csl.methods import Group, Method, Optimization
from csl.methods.groups import complete
from csl.types import Batch
from tests.methods.toy import ToyData, toy_trainer, weights

RULE = Optimization("sgd", lr=3.2, warmup_epochs=1, weight_decay=0.1, final_weight_decay=0.4)


class Predicting(Method):
    """A predictor at a constant rate, and a classifier at ten times the rate without decay."""

    groups: ClassVar[list[str]] = ["predictor", "classifier"]

    def __init__(self, optimization: Optimization = RULE) -> None:
        super().__init__(ConvNet(width=2), optimization)
        self.predictor, self.classifier = nn.Linear(16, 16), nn.Linear(16, 3)

    def parameter_groups(self) -> list[Group]:
        return [
            Group("predictor", self.predictor.parameters(), constant=True),
            Group("classifier", self.classifier.parameters(), rate=10.0, decays=False),
        ]

    def training_loss(self, batch: Batch) -> Tensor:
        first, second = (self.classifier(self.predictor(self.encoder(view))) for view in batch.views)
        return mse_loss(first, second)


class Recorder(Callback):
    def __init__(self) -> None:
        self.groups: list[dict[str, tuple[float, float]]] = []
        self.logged: list[dict[str, float]] = []

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        self.groups.append({g["name"]: (g["lr"], g["weight_decay"]) for g in trainer.optimizers[0].param_groups})

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
        self.logged.append({name: float(value) for name, value in trainer.callback_metrics.items()})


def fitted(method: Method, **options: Any) -> Recorder:
    recorder = Recorder()
    toy_trainer(callbacks=[recorder], log_every_n_steps=1, **options).fit(method, datamodule=ToyData())
    return recorder


def test_rates_and_decay_follow_their_rules() -> None:
    torch.manual_seed(0)
    recorder = fitted(Predicting())
    rates = [step["main"][0] for step in recorder.groups]
    assert rates[:4] == pytest.approx([0.025, 0.05, 0.075, 0.1])
    assert [step["predictor"][0] for step in recorder.groups] == pytest.approx([0.1] * 8)
    assert [step["classifier"][0] for step in recorder.groups] == pytest.approx([10 * rate for rate in rates])
    decays = [step["main"][1] for step in recorder.groups]
    assert (decays[0], decays[-1]) == pytest.approx((0.1, 0.4))
    assert decays == sorted(decays)
    assert [step["predictor"][1] for step in recorder.groups] == decays
    undecayed = ["classifier", "main, biases and norms", "predictor, biases and norms", "classifier, biases and norms"]
    assert {step[name][1] for step in recorder.groups for name in undecayed} == {0.0}


def test_rates_are_logged_where_they_differ() -> None:
    recorder = fitted(Predicting())
    for step, logged in zip(recorder.groups, recorder.logged, strict=True):
        assert logged["train/lr"] == pytest.approx(step["main"][0])
        assert logged["train/lr_predictor"] == pytest.approx(0.1)
        assert logged["train/lr_classifier"] == pytest.approx(step["classifier"][0])
        assert logged["train/weight_decay"] == pytest.approx(step["main"][1])


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    class Save(Callback):
        def on_train_batch_end(self, trainer: Any, *_: Any) -> None:
            if trainer.global_step == 4:
                trainer.save_checkpoint(tmp_path / "step.ckpt")

    torch.manual_seed(0)
    whole, recorder = Predicting(), Recorder()
    toy_trainer(max_epochs=3, callbacks=[Save(), recorder]).fit(whole, datamodule=ToyData())
    resumed, again = Predicting(), Recorder()
    ckpt = tmp_path / "step.ckpt"
    toy_trainer(max_epochs=3, callbacks=[again]).fit(resumed, datamodule=ToyData(), ckpt_path=ckpt, weights_only=True)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)
    assert again.groups == recorder.groups[-len(again.groups) :]


def test_a_resumed_run_goes_by_the_optimization_it_is_given(tmp_path: Path) -> None:
    trainer = toy_trainer(max_epochs=1)
    trainer.fit(Predicting(), datamodule=ToyData())
    trainer.save_checkpoint(tmp_path / "epoch.ckpt")
    rule = Optimization("sgd", lr=0.32, warmup_epochs=0, momentum=0.5, weight_decay=0.7)
    method, recorder = Predicting(rule), Recorder()
    longer = toy_trainer(max_epochs=3, callbacks=[recorder])
    longer.fit(method, datamodule=ToyData(), ckpt_path=tmp_path / "epoch.ckpt", weights_only=True)
    rate, decay = recorder.groups[0]["main"]
    assert 0.005 < rate < 0.01
    assert decay == 0.7
    assert {group["momentum"] for group in longer.optimizers[0].param_groups} == {0.5}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (lambda net: [Group("head", net[0].parameters()), Group("head", net[1].parameters())], "got 'head' twice"),
        (lambda net: [Group("main", net[0].parameters())], "got 'main' twice"),
        (lambda net: [Group("a", net[0].parameters()), Group("b", net.parameters())], "got 0.weight in 'a' and 'b'"),
        (
            lambda net: [Group("a", nn.Linear(2, 2).parameters())],
            "expected parameters of the method, got another in 'a'",
        ),
        (lambda net: [Group("a", net[0].parameters(), rate=-1)], "rate of at least 0 for 'a', got -1"),
    ],
)
def test_groups_that_make_no_sense_are_refused(groups: Any, message: str) -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    with pytest.raises(ValueError, match=f"parameter_groups: .*{message}"):
        complete(groups(net), net)
