"""`val/nc3_self_duality` and `val/nc4_classifier` of the classifier that a method trains."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from csl.callbacks import ClassifierAlignment, FeatureCollector
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer
from tests.commands.runs import SMALL_MODEL, SMALL_TRAINER, csl, curve


class Classifying(ToyMethod):
    """A toy whose head is frozen at the difference of the two class means, or at what it is given."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.encoder = nn.Linear(4, 4, bias=False)
        self.head = nn.Linear(4, 2)
        with torch.no_grad():
            self.encoder.weight.copy_(torch.eye(4))
            self.head.weight.copy_(weight)
            self.head.bias.copy_(torch.tensor([10.0, -10.0]))


def measured(tmp_path: Path, weight: Tensor) -> dict[str, float]:
    trainer = toy_trainer(tmp_path, [FeatureCollector(), ClassifierAlignment("head")], logger=False)
    trainer.validate(Classifying(weight), ToyData(), verbose=False)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}


def test_it_compares_the_named_classifier_with_both_sets(tmp_path: Path) -> None:
    means = torch.tensor([[-1.0], [1.0]]).expand(2, 4)
    same, opposite = measured(tmp_path, means), measured(tmp_path, -means)
    names = {f"{part}/{name}" for part in ("train", "val") for name in ("nc3_self_duality", "nc4_classifier")}
    assert {name for name in same if not name.startswith("wall_seconds/")} == names
    assert same["train/nc3_self_duality"] < 0.2
    assert same["val/nc4_classifier"] == 1
    assert opposite["train/nc3_self_duality"] > 1.9
    assert opposite["val/nc4_classifier"] == 0.5  # its bias puts all into one class


def test_features_that_are_no_numbers_are_logged_as_nan_and_end_nothing(tmp_path: Path) -> None:
    trainer, method = (
        toy_trainer(tmp_path, [FeatureCollector(), ClassifierAlignment("head")], logger=False),
        ToyMethod(),
    )
    torch.nn.init.constant_(method.encoder.weight, float("nan"))
    with pytest.warns(UserWarning, match="ClassifierAlignment is undefined here and logged as NaN: features: expected"):
        trainer.validate(method, ToyData(), verbose=False)
    assert trainer.callback_metrics["val/nc3_self_duality"].isnan()
    assert trainer.callback_metrics["val/nc4_classifier"].isnan()


def test_a_method_without_a_classifier_is_refused(tmp_path: Path) -> None:
    expected = "ClassifierAlignment expected a method with a linear classifier called 'classifier', such as Supervised"
    with pytest.raises(ValueError, match=f"^callbacks: {expected}, got ToyMethod$"):
        toy_trainer(tmp_path, [FeatureCollector(), ClassifierAlignment()]).validate(
            ToyMethod(), ToyData(), verbose=False
        )


def test_one_option_adds_it_to_a_supervised_run(tmp_path: Path) -> None:
    few = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "2"]
    chosen = ["--model", "Supervised", *SMALL_MODEL, "--trainer.callbacks+", "ClassifierAlignment"]
    csl(tmp_path, "fit", *SMALL_TRAINER, *few, *chosen)
    values = curve(tmp_path / "lightning_logs" / "supervised-digits" / "version_0", "val/nc3_self_duality")
    assert [0 < value < 2 for value in values.values()] == [True]
