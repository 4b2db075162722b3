from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import SwAV
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer


def test_the_loss_is_that_of_cosines_with_prototypes() -> None:
    method: Any = toy_method("SwAV", small_crops=2)
    batch = toy_batch(list(range(5)), method.views)
    with torch.no_grad():
        projections = torch.stack([normalize(method.projection_head(method.encoder(v)), dim=1) for v in batch.views])
        expected = method.loss(projections @ method.prototypes.weight.T, torch.zeros(2, 0, 6))
        step = method.training_loss(batch)
    torch.testing.assert_close(step.loss, expected)
    torch.testing.assert_close(torch.stack(step.keep), projections[:2])


class _Watch(Callback):
    """Prototypes after each step, and how many queued rows each loss was given."""

    def __init__(self, method: Any) -> None:
        self.prototypes: list[Tensor] = []
        self.queued: list[int] = []
        method.loss.register_forward_pre_hook(lambda _, inputs: self.queued.append(inputs[1].shape[1]))

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.prototypes.append(module.prototypes.weight.detach().clone())


def test_prototypes_are_frozen_at_first_and_always_of_length_1() -> None:
    method = toy_method("SwAV", frozen_steps=4)
    watch = _Watch(method)
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(method, datamodule=ToyData(method.views))
    assert all(torch.equal(after, watch.prototypes[0]) for after in watch.prototypes[1:4])
    assert not torch.equal(watch.prototypes[4], watch.prototypes[3])
    for after in watch.prototypes:
        torch.testing.assert_close(after.norm(dim=1), torch.ones(6))


@pytest.mark.parametrize(
    ("frozen_steps", "queued"), [(0, [0, 0, 0, 24, 24, 24, 24, 24]), (5, [0] * 5 + [24] * 3), (8, [0] * 8)]
)
def test_the_queue_is_used_once_prototypes_move_and_only_when_it_is_full(frozen_steps: int, queued: list[int]) -> None:
    method = toy_method("SwAV", frozen_steps=frozen_steps)
    watch = _Watch(method)
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(method, datamodule=ToyData(method.views))
    assert watch.queued == queued


def test_each_full_view_has_a_queue_of_its_own() -> None:
    method: Any = toy_method("SwAV")
    toy_trainer(max_epochs=2).fit(method, datamodule=ToyData(method.views))
    first, second = method.queue.features, method.second_queue.features
    torch.testing.assert_close(first.norm(dim=1), torch.ones(24))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("name", ["temperature", "epsilon", "num_prototypes", "queue_size"])
def test_wrong_options_are_named(name: str) -> None:
    options: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name}: expected a positive number, got 0"):
        SwAV(ConvNet(width=2), **options)


@pytest.mark.parametrize("name", ["frozen_steps", "small_crops"])
def test_numbers_are_not_negative(name: str) -> None:
    options: dict[str, Any] = {name: -1}
    with pytest.raises(ValueError, match=f"{name}: expected a number at least 0 and finite, got -1"):
        SwAV(ConvNet(width=2), **options)
