import math
from typing import Any

import pytest
import torch

from csl.data import Digits, ImageDataModule
from csl.encoders import ConvNet
from csl.methods import Supervised
from tests.methods.toy import CLASSES, ONE, ToyData, toy_batch, toy_method, toy_trainer


def test_loss_is_smoothed_cross_entropy() -> None:
    method: Any = toy_method("Supervised", label_smoothing=0.3)
    batch = toy_batch(list(range(5)), ONE)
    with torch.no_grad():
        loss = method.training_loss(batch).loss
        log_share = method.classifier(method.encoder(batch.views[0])).double().log_softmax(dim=1)
    total = 0.0
    for i, label in enumerate(batch.labels.tolist()):
        for c in range(CLASSES):
            target = 0.3 / CLASSES + (0.7 if c == label else 0.0)
            total -= target * float(log_share[i, c])
    assert float(loss) == pytest.approx(total / 5, rel=1e-5)


@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_label_outside_the_classes_is_named(wrong: int) -> None:
    batch = toy_batch([4, 5, 6], ONE)
    labels = batch.labels.clone()
    labels[1] = wrong
    with pytest.raises(ValueError, match=f"labels: expected 0 to 2, got {wrong} for the image with index 5"):
        toy_method("Supervised").training_loss(batch._replace(labels=labels))


@pytest.mark.parametrize("wrong", [-1, CLASSES])
def test_labels_that_the_data_tells_are_checked_before_training(wrong: int) -> None:
    data: Any = ToyData(ONE)
    data.train_labels = toy_batch(list(range(32)), ONE).labels
    data.train_labels[20] = wrong
    trainer = toy_trainer()
    with pytest.raises(ValueError, match=f"labels: expected 0 to 2, got {wrong} for the image with index 20"):
        trainer.fit(toy_method("Supervised"), datamodule=data)
    assert trainer.global_step == 0


def test_our_data_module_tells_its_labels() -> None:
    data = ImageDataModule(Digits())
    drawn = data.splits.train.__getitems__([3, 700])
    assert torch.equal(data.train_labels[drawn.index], drawn.labels)


def test_datas_number_of_classes_is_compared_before_training() -> None:
    data: Any = ToyData(ONE)
    data.num_classes = 10
    with pytest.raises(ValueError, match="num_classes: expected the data's 10, got 3"):
        toy_trainer().fit(toy_method("Supervised"), datamodule=data)


def test_held_out_accuracy_is_the_classifiers() -> None:
    method: Any = toy_method("Supervised")
    trainer = toy_trainer(limit_val_batches=1.0, max_epochs=4)
    trainer.fit(method, datamodule=ToyData(ONE))
    batch = toy_batch(list(range(9)), ONE)
    method.eval()
    expected = (method.classifier(method.encoder(batch.views[0])).argmax(dim=1) == batch.labels).float().mean()
    assert float(trainer.callback_metrics["val/accuracy"]) == pytest.approx(float(expected))
    assert not [name for name in trainer.callback_metrics if "dataloader_idx" in name]


def test_training_accuracy_is_logged() -> None:
    trainer = toy_trainer(max_epochs=30)
    trainer.fit(toy_method("Supervised"), datamodule=ToyData(ONE))
    assert float(trainer.callback_metrics["train/accuracy"]) > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 1}, "num_classes: expected at least 2, got 1"),
        ({"num_classes": 3, "label_smoothing": 1.5}, "label_smoothing: expected a number from 0 to 1, got 1.5"),
        ({"num_classes": 3, "label_smoothing": math.nan}, "label_smoothing"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Supervised(ConvNet(width=2), **options)
