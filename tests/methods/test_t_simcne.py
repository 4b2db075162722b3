import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor

from csl.encoders import ConvNet
from csl.methods import Optimization, TSimCNE
from csl.methods.stages import rate_at
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer

PARTS = {"encoder", "wide", "plane"}


class _Watch(Callback):
    """What each step changed."""

    def __init__(self) -> None:
        self.changed: list[set[str]] = []
        self._before: dict[str, Tensor] = {}

    @staticmethod
    def _parts(method: Any) -> dict[str, Tensor]:
        layers = {"encoder": method.encoder, "wide": method.projection_head[-1], "plane": method.plane[-1]}
        return {name: next(layer.parameters()).detach().clone() for name, layer in layers.items()}

    def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
        self._before = self._parts(module)

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        after = self._parts(module)
        self.changed.append({name for name in PARTS if not torch.equal(after[name], self._before[name])})


def test_first_many_dimensions_then_the_plane_alone_then_all() -> None:
    method, watch = toy_method("TSimCNE", plane_start=0.5), _Watch()
    toy_trainer(max_epochs=15, callbacks=[watch]).fit(method, datamodule=ToyData())
    stages = [({"encoder", "wide"}, 30), ({"plane"}, 2), ({"encoder", "plane"}, 28)]
    # The rate of a stage's last step is 0.
    expected = [changed if step < length - 1 else set() for changed, length in stages for step in range(length)]
    assert watch.changed == expected


def test_each_stage_has_a_schedule_of_its_own() -> None:
    rates: list[float] = []

    class Rates(Callback):
        def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
            rates.append(trainer.optimizers[0].param_groups[0]["lr"])

    optimization = Optimization("sgd", lr=3.2, warmup_epochs=1)  # 0.1 for a batch of 8
    method = toy_method("TSimCNE", plane_start=0.5, finetuning_rate=0.01, optimization=optimization)
    toy_trainer(max_epochs=15, callbacks=[Rates()]).fit(method, datamodule=ToyData())

    def stage(rate: float, length: int, warmup: int) -> list[float]:
        rising = [rate * (step + 1) / warmup for step in range(warmup)]
        falling = length - warmup
        return rising + [rate * (math.cos(math.pi * step / (falling - 1)) + 1) / 2 for step in range(falling)]

    assert rates == pytest.approx(stage(0.1, 30, 4) + stage(0.1, 2, 0) + stage(0.001, 28, 4))


def test_a_stage_of_one_step_has_its_rate_and_a_short_one_warms_up_for_half_of_it() -> None:
    stages = toy_method("TSimCNE", finetuning_rate=0.5).stages
    rates = [rate_at(stages, step, 30, warmup=10) for step in range(30)]
    assert rates[20] == 1.0
    assert rates[21:25] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert rates[25] == 0.5
    assert rates[29] == 0.0


def test_between_stages_the_head_that_was_trained_is_measured() -> None:
    stages: list[tuple[int, int]] = []

    class Stages(Callback):
        def on_validation_start(self, trainer: Any, module: Any) -> None:
            stages.append((trainer.global_step, module._stage()))

    method = toy_method("TSimCNE", plane_start=0.5)
    toy_trainer(max_epochs=4, limit_val_batches=1.0, callbacks=[Stages()]).fit(method, datamodule=ToyData())
    assert [(step, stage) for step, stage in stages if step] == [(4, 0), (8, 0), (12, 2), (16, 2)]


def test_the_plane_can_be_left_out() -> None:
    method, watch = toy_method("TSimCNE", plane_start=1.0), _Watch()
    toy_trainer(max_epochs=1, callbacks=[watch]).fit(method, datamodule=ToyData())
    assert watch.changed[:3] == [{"encoder", "wide"}] * 3


@pytest.mark.parametrize(("plane_start", "head"), [(0.5, "plane"), (1.0, "projection_head")])
def test_a_checkpoint_is_measured_by_the_head_that_it_trained(plane_start: float, head: str) -> None:
    """`csl sweep` measures the loss with a trainer that has no end."""
    trained: Any = toy_method("TSimCNE", plane_start=plane_start)
    toy_trainer(max_epochs=1).fit(trained, datamodule=ToyData())
    loaded: Any = toy_method("TSimCNE", plane_start=plane_start)
    loaded.load_state_dict(trained.state_dict())
    toy_trainer(max_epochs=-1).validate(loaded, datamodule=ToyData(), verbose=False)
    batch = toy_batch(list(range(5)))
    first, second = (getattr(loaded, head)(loaded.encoder(view)) for view in batch.views)
    torch.testing.assert_close(loaded.training_loss(batch), loaded.loss(first, second))


def test_the_loss_is_that_of_projections_of_any_length() -> None:
    method: Any = toy_method("TSimCNE")
    batch = toy_batch(list(range(5)))
    with torch.no_grad():
        first, second = (method.projection_head(method.encoder(view)) for view in batch.views)
        torch.testing.assert_close(method.training_loss(batch), method.loss(first, second))
    assert method.outputs(batch.views[0], {"plane"})["plane"].shape == (5, 2)


def test_wrong_options_are_named() -> None:
    with pytest.raises(ValueError, match="plane_start: expected a number from 0 to 1, got 2"):
        TSimCNE(ConvNet(width=2), plane_start=2)
    with pytest.raises(ValueError, match="finetuning_rate: expected a number above 0"):
        TSimCNE(ConvNet(width=2), finetuning_rate=0)
