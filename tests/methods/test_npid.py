import math
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch.nn.functional import normalize

from csl.encoders import ConvNet
from csl.losses import npid_sampled_loss
from csl.methods import NPID
from csl.methods.step import as_step
from tests.methods.toy import ONE, ToyData, toy_batch, toy_method, toy_trainer, weights
from tests.promises.test_resume import _SaveAfter
from tests.promises.test_two_processes import DOUBLE, _among_two
from tests.two_processes import TwoProcesses


def test_loss_and_gradients_are_the_papers() -> None:
    method: Any = toy_method("NPID", temperature=0.3).double()
    batch = toy_batch([7, 2, 31, 4], ONE)
    batch = batch._replace(views=(batch.views[0].double(),))
    before = weights(method.bank)
    step = method.training_loss(batch)
    torch.testing.assert_close(weights(method.bank), before, rtol=0, atol=0)
    v = normalize(method.projection_head(method.encoder(batch.views[0])), dim=1)
    expected = -(v @ method.bank.features.T / 0.3).softmax(dim=1).log()[range(4), batch.index].mean()
    torch.testing.assert_close(step.loss, expected, rtol=1e-9, atol=0)
    grads = [torch.autograd.grad(value, list(method.parameters())) for value in (step.loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


class _Watch(Callback):
    """How many entries of the bank have moved after each step, and the normaliser."""

    def on_fit_start(self, trainer: Any, module: Any) -> None:
        self.start, self.moved, self.normalizers = module.bank.features.clone(), list[int](), list[float]()

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        self.moved.append(int((module.bank.features != self.start).any(dim=1).sum()))
        self.normalizers.append(float(module.bank.normalizer))
        torch.testing.assert_close(module.bank.features.norm(dim=1), torch.ones(len(self.start)))


def test_the_entries_of_a_steps_images_move_after_it() -> None:
    watch = _Watch()
    toy_trainer(max_epochs=1, callbacks=[watch]).fit(toy_method("NPID"), datamodule=ToyData(ONE))
    assert watch.moved == [8, 16, 24, 32]
    assert watch.normalizers == [0.0] * 4


def test_the_normaliser_is_that_of_the_first_batch() -> None:
    watch, method = _Watch(), toy_method("NPID", negatives=16)
    toy_trainer(max_epochs=1, callbacks=[watch]).fit(method, datamodule=ToyData(method.views))
    assert watch.normalizers[0] > 0
    assert watch.normalizers == [watch.normalizers[0]] * 4


def test_the_normaliser_is_estimated_anew_for_another_number_of_images() -> None:
    method: Any = toy_method("NPID", negatives=16)
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData(method.views))
    first = float(method.bank.normalizer)
    method.make_for(72)
    assert float(method.bank.normalizer) == first
    method.make_for(7200)
    assert float(method.bank.normalizer) == 0.0
    _, normalizer = method.training_loss(toy_batch([7, 2], ONE)).keep[1:]
    assert float(normalizer) > 20 * first


def test_negatives_that_are_asked_for_later_find_a_normaliser(tmp_path: Path) -> None:
    exact, path = toy_method("NPID"), tmp_path / "exact.ckpt"
    trainer = toy_trainer(max_epochs=1)
    trainer.fit(exact, datamodule=ToyData(ONE))
    trainer.save_checkpoint(path)
    drawn: Any = toy_method("NPID", negatives=16)
    toy_trainer(max_epochs=2).fit(drawn, datamodule=ToyData(ONE), ckpt_path=path)
    assert math.isfinite(sum(float(value.sum()) for value in weights(drawn).values()))
    assert float(drawn.bank.normalizer) > 0


def test_weights_without_a_normaliser_bring_back_its_estimation() -> None:
    method: Any = toy_method("NPID", negatives=16)
    toy_trainer(max_epochs=1).fit(method, datamodule=ToyData(method.views))
    method.load_state_dict(toy_method("NPID").state_dict())
    assert math.isfinite(method.training_loss(toy_batch([7, 2], ONE)).loss.item())


def test_with_negatives_the_loss_is_the_sampled_one() -> None:
    method: Any = toy_method("NPID", negatives=5).double()
    batch = toy_batch([7, 2, 31, 4], ONE)
    batch = batch._replace(views=(batch.views[0].double(),))
    step, drawn = method.training_loss(batch), method.bank.drawn(step=0)
    assert len(drawn) == 5
    v = method.projection_head(method.encoder(batch.views[0]))
    expected = npid_sampled_loss(v, method.bank.features, batch.index, drawn, step.keep[2][0], 0.07)
    torch.testing.assert_close(step.loss, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("negatives", [0, 5])
def test_the_proximal_term_is_added_with_its_weight(negatives: int) -> None:
    batch = toy_batch([7, 2, 31, 4], ONE)
    batch = batch._replace(views=(batch.views[0].double(),))
    without, method = (toy_method("NPID", negatives=negatives, proximal=weight).double() for weight in (0.0, 3.0))
    found: Any = method
    v = normalize(found.projection_head(found.encoder(batch.views[0])), dim=1)
    distances = [(row - found.bank.features[i]).norm() ** 2 for row, i in zip(v, batch.index, strict=True)]
    expected = as_step(without.training_loss(batch)).loss + 3.0 * torch.stack(distances).mean()
    loss = as_step(method.training_loss(batch)).loss
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)


def _fitted_sampled(trainer: Any) -> dict[str, torch.Tensor]:
    method = toy_method("NPID", negatives=16)
    trainer.fit(method, datamodule=ToyData(method.views))
    return weights(method)


def _fitted_sampled_among_two() -> dict[str, torch.Tensor]:
    with _among_two() as options:
        return _fitted_sampled(toy_trainer(**options, **DOUBLE))


def test_with_negatives_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    expected = _fitted_sampled(toy_trainer(**DOUBLE))
    for found in two_processes(_fitted_sampled_among_two):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


def test_with_negatives_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    path, whole, resumed = tmp_path / "step.ckpt", *(toy_method("NPID", negatives=16) for _ in range(2))
    toy_trainer(callbacks=[_SaveAfter(4, path)]).fit(whole, datamodule=ToyData(whole.views))
    toy_trainer().fit(resumed, datamodule=ToyData(whole.views), ckpt_path=path)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        ({"momentum": 1.5}, "momentum: expected a number from 0 to 1, got 1.5"),
        ({"negatives": -1}, "negatives: expected a number at least 0 and finite, got -1"),
        ({"proximal": -1.0}, "proximal: expected a number at least 0 and finite, got -1.0"),
        ({"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        ({"negatives": 8, "loss": torch.nn.Identity()}, "negatives: expected none beside a loss that is given"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NPID(ConvNet(width=2), **options)
