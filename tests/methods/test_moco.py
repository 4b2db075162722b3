import math
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor, nn
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.methods import MoCo
from csl.types import Batch
from tests.methods.toy import ToyData, toy_batch, toy_method, toy_trainer, weights


def _keys(method: Any, batch: Batch) -> list[Tensor]:
    return [normalize(method.momentum_projection_head(method.momentum_encoder(view)), dim=1) for view in batch.views]


def _double_batch(count: int) -> Batch:
    batch = toy_batch(list(range(count)))
    return batch._replace(views=tuple(view.double() for view in batch.views))


def test_loss_is_the_papers_symmetric_one() -> None:
    method: Any = toy_method("MoCo", temperature=0.3).double()
    batch = _double_batch(5)
    with torch.no_grad():
        loss = method.training_loss(batch).loss
        queries = [normalize(method.projection_head(method.encoder(view)), dim=1) for view in batch.views]
        keys = _keys(method, batch)
    total = 0.0
    for q, k in ((queries[0], keys[1]), (queries[1], keys[0])):
        for i in range(5):
            positive = math.exp(float(q[i] @ k[i]) / 0.3)
            negative = sum(math.exp(float(q[i] @ n) / 0.3) for n in method.queue.features)
            total -= math.log(positive / (positive + negative))
    assert float(loss) == pytest.approx(total / 10, rel=1e-9)


def test_loss_itself_leaves_the_queue_alone() -> None:
    method: Any = toy_method("MoCo")
    before = weights(method.queue)
    method.training_loss(toy_batch([0, 1, 2]))
    torch.testing.assert_close(weights(method.queue), before, rtol=0, atol=0)


class _Watch(Callback):
    """After each batch: the queue's position, and how far the momentum copy went to the encoder."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.momenta: list[float] = []
        self._before: Tensor | None = None

    @staticmethod
    def _first(copy: nn.Module) -> Tensor:
        return next(copy.parameters()).detach().double().clone()

    def on_train_batch_start(self, trainer: Any, module: Any, *_: Any) -> None:
        self._before = self._first(module.momentum_encoder)

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        assert self._before is not None
        after, target = self._first(module.momentum_encoder), next(module.encoder.parameters()).detach().double()
        self.positions.append(int(module.queue.position))
        gap = (self._before - target).norm()
        self.momenta.append(float((after - target).norm() / gap) if gap > 0 else math.nan)


def test_both_views_keys_enter_once_a_step_and_momentum_follows_its_cosine() -> None:
    method, watch = toy_method("MoCo", momentum=0.5, final_momentum=0.9), _Watch()
    toy_trainer(max_epochs=2, callbacks=[watch]).fit(method, datamodule=ToyData())
    assert watch.positions == [16 * (step + 1) % 24 for step in range(8)]
    expected = [0.9 - 0.4 * (math.cos(math.pi * step / 7) + 1) / 2 for step in range(8)]
    assert watch.momenta == pytest.approx(expected, abs=1e-4)
    assert (expected[0], expected[-1]) == (0.5, 0.9)


def test_accumulation_moves_once_a_step_and_keeps_all_keys() -> None:
    method, watch = toy_method("MoCo", momentum=0.5, final_momentum=0.5), _Watch()
    toy_trainer(max_epochs=1, callbacks=[watch], accumulate_grad_batches=2).fit(method, datamodule=ToyData())
    assert watch.positions == [0, 32 % 24, 32 % 24, 64 % 24]
    assert watch.momenta[1::2] == pytest.approx([0.5, 0.5], abs=1e-4)
    assert watch.momenta[2] == pytest.approx(1.0)


def test_queue_holds_the_last_keys() -> None:
    method: Any = toy_method("MoCo")

    class _Compare(Callback):
        def on_train_batch_start(self, trainer: Any, module: Any, batch: Any, batch_idx: int) -> None:
            import copy

            with torch.no_grad():
                self.expected = torch.cat(_keys(copy.deepcopy(module), batch))
            self.start = int(module.queue.position)

        def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
            rows = (self.start + torch.arange(16)) % 24
            torch.testing.assert_close(module.queue.features[rows], self.expected)

    toy_trainer(max_epochs=2, callbacks=[_Compare()]).fit(method, datamodule=ToyData())


def test_momentum_copies_are_not_trained_by_the_optimizer() -> None:
    method: Any = toy_method("MoCo", momentum=1.0, final_momentum=1.0)
    before = {name: p.clone() for name, p in method.momentum_encoder.named_parameters()}
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData())
    assert all(torch.equal(p, before[name]) for name, p in method.momentum_encoder.named_parameters())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"momentum": 1.1}, "momentum: expected a number from 0 to 1, got 1.1"),
        ({"final_momentum": -0.1}, "final_momentum: expected a number from 0 to 1, got -0.1"),
        ({"queue_size": 0}, "queue_size: expected a positive number, got 0"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MoCo(ConvNet(width=2), **options)
