from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.methods import ExemplarCNN
from tests.methods.toy import ONE, ToyData, toy_batch, toy_method, toy_trainer, weights
from tests.promises.test_two_processes import DOUBLE, _among_two
from tests.two_processes import TwoProcesses


def test_loss_is_the_cross_entropy_of_images_as_classes() -> None:
    method: Any = toy_method("ExemplarCNN").double()
    batch = toy_batch([7, 2, 31, 4], ONE)
    batch = batch._replace(views=(batch.views[0].double(),))
    logits = method.encoder(batch.views[0]) @ method.classifier.weight.T + method.classifier.bias
    assert logits.shape == (4, 72)
    expected = -logits.softmax(dim=1)[range(4), batch.index].log().mean()
    loss = method.training_loss(batch)
    torch.testing.assert_close(loss, expected, rtol=1e-10, atol=0)
    grads = [torch.autograd.grad(value, list(method.parameters())) for value in (loss, expected)]
    torch.testing.assert_close(*grads, rtol=1e-9, atol=1e-12)


def test_a_subset_of_the_images_are_classes_and_the_others_teach_nothing() -> None:
    method: Any = toy_method("ExemplarCNN", num_exemplars=18)
    chosen = (method.classes >= 0).nonzero().flatten()
    assert method.classes[chosen].tolist() == list(range(18))
    assert method.classifier.out_features == 18
    other = int((method.classes < 0).nonzero()[0])
    alone, beside = (method.training_loss(toy_batch(i, ONE)) for i in ([other], [other, int(chosen[3])]))
    assert alone == 0
    logits = method.classifier(method.encoder(toy_batch([other, int(chosen[3])], ONE).views[0]))
    torch.testing.assert_close(beside, -logits[1].log_softmax(dim=0)[3] / (2 * 18 / 72))


def test_the_runs_seed_chooses_the_exemplars(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    for seed in ("0", "0", "1"):
        monkeypatch.setenv("PL_GLOBAL_SEED", seed)
        method: Any = toy_method("ExemplarCNN", num_exemplars=18)
        chosen.append((method.classes.tolist(), method.classifier.weight.tolist()))
    assert chosen[0] == chosen[1]
    assert chosen[0][0] != chosen[2][0]
    assert chosen[0][1] != chosen[2][1]


def _fitted(trainer: Any) -> dict[str, torch.Tensor]:
    method = toy_method("ExemplarCNN", num_exemplars=40)
    trainer.fit(method, datamodule=ToyData(method.views))
    return weights(method)


def _fitted_among_two() -> dict[str, torch.Tensor]:
    with _among_two() as options:
        return _fitted(toy_trainer(**options, **DOUBLE))


def test_with_a_subset_two_processes_compute_what_one_does(two_processes: TwoProcesses) -> None:
    expected = _fitted(toy_trainer(**DOUBLE))
    for found in two_processes(_fitted_among_two):
        torch.testing.assert_close(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_exemplars": 0}, "num_exemplars: expected a positive number, got 0"),
        ({"num_exemplars": 5, "num_images": 4}, "num_exemplars: expected at most the 4 training images, got 5"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExemplarCNN(ConvNet(width=2), **options)
