from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from csl.encoders import ConvNet, LabResNet
from csl.losses import npid_normalizer, npid_sampled_loss
from csl.methods import CMC
from csl.methods.step import as_step
from tests.methods.toy import ONE, ToyData, toy_batch, toy_method, toy_trainer, weights
from tests.promises.test_resume import _SaveAfter
from tests.promises.test_two_processes import DOUBLE, _among_two
from tests.two_processes import TwoProcesses


def test_loss_is_of_lightness_and_colour() -> None:
    method: Any = toy_method("CMC", temperature=0.3).double()
    batch = toy_batch(list(range(6)), ONE)
    batch = batch._replace(views=(batch.views[0].double().sigmoid(),))
    features = method.encoder(batch.views[0])
    half = features.shape[1] // 2
    lightness, color = method.lightness_head(features[:, :half]), method.color_head(features[:, half:])
    scores = normalize(lightness, dim=1) @ normalize(color, dim=1).T / 0.3
    expected = cross_entropy(scores, torch.arange(6)) + cross_entropy(scores.T, torch.arange(6))
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.parameters())


def _with_memories(negatives: int) -> tuple[Any, Any, torch.Tensor, torch.Tensor]:
    """The method, a batch, and what the heads make of it."""
    method: Any = toy_method("CMC", temperature=0.3, negatives=negatives).double()
    batch = toy_batch([7, 2, 31, 4], ONE)
    batch = batch._replace(views=(batch.views[0].double().sigmoid(),))
    features = method.encoder(batch.views[0])
    half = features.shape[1] // 2
    return method, batch, method.lightness_head(features[:, :half]), method.color_head(features[:, half:])


def test_with_memories_each_sense_is_found_by_the_other_among_all_images() -> None:
    method, batch, lightness, color = _with_memories(negatives=0)
    memories = method.lightness_memory.features, method.color_memory.features
    assert memories[0].shape == memories[1].shape == (72, 8)
    assert not torch.equal(*memories)
    expected = torch.zeros((), dtype=torch.float64)
    for given, memory in ((lightness, memories[1]), (color, memories[0])):
        chances = (normalize(given, dim=1) @ memory.T / 0.3).softmax(dim=1)
        expected = expected - chances[range(4), batch.index].log().mean()
    step = as_step(method.training_loss(batch))
    torch.testing.assert_close(step.loss, expected, rtol=1e-9, atol=0)
    grads = [torch.autograd.grad(value, list(method.parameters())) for value in (step.loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-12)


def test_with_drawn_entries_the_loss_is_the_sampled_one() -> None:
    method, batch, lightness, color = _with_memories(negatives=5)
    drawn, expected = method.color_memory.drawn(step=0), torch.zeros((), dtype=torch.float64)
    assert len(drawn) == 5
    for given, memory in ((lightness, method.color_memory.features), (color, method.lightness_memory.features)):
        normalizer = npid_normalizer(given, memory, drawn, 0.3)
        expected = expected + npid_sampled_loss(given, memory, batch.index, drawn, normalizer, 0.3)
    torch.testing.assert_close(as_step(method.training_loss(batch)).loss, expected, rtol=1e-12, atol=0)


def test_after_a_step_each_memory_has_moved_towards_its_own_sense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CMC, "trainer", None)
    monkeypatch.setattr("csl.methods.cmc.rows_of_processes", lambda trainer, count: None)
    method, batch, lightness, color = _with_memories(negatives=0)
    method.lightness_memory.momentum = method.color_memory.momentum = 0.0
    before = method.lightness_memory.features.clone()
    method.after_step(as_step(method.training_loss(batch)).keep)
    for memory, own in ((method.lightness_memory, lightness), (method.color_memory, color)):
        torch.testing.assert_close(memory.features[batch.index], normalize(own, dim=1))
    assert (method.lightness_memory.features != before).any(dim=1).nonzero().flatten().tolist() == [2, 4, 7, 31]


def _fitted(trainer: Any, negatives: int) -> dict[str, torch.Tensor]:
    method = toy_method("CMC", negatives=negatives)
    trainer.fit(method, datamodule=ToyData(method.views))
    return weights(method)


def _fitted_among_two(negatives: int) -> dict[str, torch.Tensor]:
    with _among_two() as options:
        return _fitted(toy_trainer(**options, **DOUBLE), negatives)


@pytest.mark.parametrize("negatives", [0, 16])
def test_with_memories_two_processes_compute_what_one_does(negatives: int, two_processes: TwoProcesses) -> None:
    expected = _fitted(toy_trainer(**DOUBLE), negatives)
    assert (expected["lightness_memory.normalizer"] > 0).all() == bool(negatives)
    for found in two_processes(_fitted_among_two, negatives):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("negatives", [0, 16])
def test_with_memories_a_resumed_run_equals_an_uninterrupted_one(negatives: int, tmp_path: Path) -> None:
    path, whole, resumed = tmp_path / "step.ckpt", *(toy_method("CMC", negatives=negatives) for _ in range(2))
    toy_trainer(callbacks=[_SaveAfter(4, path)]).fit(whole, datamodule=ToyData(whole.views))
    toy_trainer().fit(resumed, datamodule=ToyData(whole.views), ckpt_path=path)
    torch.testing.assert_close(weights(resumed), weights(whole), rtol=0, atol=0)


def test_memories_take_the_number_of_images_from_the_data_and_batches_need_none() -> None:
    def fit(**options: Any) -> Any:
        method = CMC(LabResNet(10, width=2), **options)
        toy_trainer(max_epochs=1).fit(method, datamodule=ToyData(method.views))
        return method

    assert fit().lightness_memory is None
    with pytest.raises(ValueError, match="num_images: expected how many training images there are"):
        fit(negatives=0)
    assert len(fit(negatives=0, num_images=32).color_memory.features) == 32


def test_only_within_the_batch_there_is_a_loss_on_held_out_images() -> None:
    assert toy_method("CMC").has_held_out_loss
    assert not toy_method("CMC", negatives=0).has_held_out_loss


@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (LabResNet(10, width=2), {"temperature": 0.0}, "temperature: expected a positive number, got 0.0"),
        (LabResNet(10, width=2), {"output_dim": 0}, "output_dim: expected a positive number, got 0"),
        (LabResNet(10, width=2), {"negatives": -1}, "negatives: expected a number at least 0 and finite, got -1"),
        (LabResNet(10, width=2), {"negatives": 0, "momentum": 2.0}, "momentum: expected a number from 0 to 1, got 2.0"),
        (
            LabResNet(10, width=2),
            {"negatives": 0, "loss": torch.nn.Identity()},
            "negatives: expected none beside a loss that is given",
        ),
        (ConvNet(width=2), {}, "encoder: expected a LabResNet for CMC, got ConvNet"),
        (LabResNet(10, width=2, in_channels=1), {}, r"encoder: expected one for colour images for CMC \(in_channels=3"),
    ],
)
def test_wrong_options_are_named(encoder: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CMC(encoder, **options)
