from typing import Any

import pytest
import torch

from csl.encoders import ConvNet
from csl.methods import SupCon
from tests.methods.toy import ToyData, toy_method, toy_trainer
from tests.methods.two_views import assert_loss_is_of_projections


def test_loss_is_of_both_views_projections_and_labels() -> None:
    assert_loss_is_of_projections("SupCon", torch.tensor([0, 1, 0, -1, 5, 1]), temperature=0.3)


def test_images_of_which_none_has_a_label_are_refused_before_training() -> None:
    data: Any = ToyData()
    data.train_labels = torch.full((32,), -1)
    trainer = toy_trainer()
    with pytest.raises(ValueError, match="labels: expected some for SupCon, got images without any"):
        trainer.fit(toy_method("SupCon"), datamodule=data)
    assert trainer.global_step == 0


def test_some_labels_are_enough() -> None:
    data: Any = ToyData()
    data.train_labels = torch.full((32,), -1)
    data.train_labels[3] = 1
    toy_trainer(max_epochs=1).fit(toy_method("SupCon"), datamodule=data)


def test_temperature_must_be_positive() -> None:
    with pytest.raises(ValueError, match="temperature: expected a positive number, got 0"):
        SupCon(ConvNet(width=2), temperature=0.0)
