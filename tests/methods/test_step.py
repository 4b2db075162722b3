"""What a loss keeps comes back after the step, in training only."""

from typing import Any

import pytest
import torch
from torch import Tensor

from csl.encoders import ConvNet
from csl.methods import Method, Step
from csl.methods.step import joined
from csl.types import Batch
from tests.methods.toy import QUICK, ToyData, toy_batch, toy_trainer


class Keeping(Method):
    """Keeps each batch's indices and features, and notes the order of what is called."""

    def __init__(self) -> None:
        super().__init__(ConvNet(width=2), QUICK)
        self.kept: list[Any] = []
        self.calls: list[str] = []

    def training_loss(self, batch: Batch) -> Step:
        self.calls.append("loss")
        features = self.encoder(batch.views[0])
        return Step(
            features.square().mean(), keep=(batch.index, features), scalars={"norm": features.norm(dim=1).mean()}
        )

    def after_backward(self) -> None:
        assert all(p.grad is not None for p in self.encoder.parameters())
        self.calls.append("backward")

    def after_step(self, keep: Any) -> None:
        self.calls.append("step")
        self.kept.append(keep)


@pytest.mark.parametrize("accumulated", [1, 2])
def test_the_rows_of_all_batches_of_a_step_come_back_joined(accumulated: int) -> None:
    method = Keeping()
    trainer = toy_trainer(max_epochs=1, accumulate_grad_batches=accumulated, log_every_n_steps=1)
    trainer.fit(method, datamodule=ToyData())
    per_step = 8 * accumulated
    assert [indices.tolist() for indices, _ in method.kept] == [
        list(range(start, start + per_step)) for start in range(0, 32, per_step)
    ]
    assert all(features.shape == (per_step, 16) and not features.requires_grad for _, features in method.kept)
    assert method.calls == [*["loss"] * accumulated, "backward", "step"] * (4 // accumulated)
    assert trainer.callback_metrics["train/norm"] > 0


def test_nothing_comes_back_from_a_plain_loss() -> None:
    class Plain(Keeping):
        def training_loss(self, batch: Batch) -> Tensor:  # type: ignore[override]
            return super().training_loss(batch).loss

    method = Plain()
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData())
    assert method.kept == [None] * 4


def test_a_loss_alone_changes_nothing() -> None:
    method = Keeping()
    method.training_loss(toy_batch([0, 1]))
    assert method.kept == []


def test_tensors_are_joined_by_rows() -> None:
    assert joined([]) is None
    assert joined([None, None]) is None
    torch.testing.assert_close(joined([torch.zeros(1, 2), torch.ones(2, 2)]), torch.tensor([[0.0, 0], [1, 1], [1, 1]]))


def test_a_loss_of_each_image_is_refused() -> None:
    class Vector(Keeping):
        def training_loss(self, batch: Batch) -> Tensor:  # type: ignore[override]
            return self.encoder(batch.views[0]).square().mean(dim=1)

    with pytest.raises(ValueError, match=r"one number for a batch, got a loss of shape \[8\]$"):
        toy_trainer(max_epochs=1).fit(Vector(), datamodule=ToyData())
