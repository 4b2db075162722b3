"""A part that is frozen at first, in a training that ends before it is not."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from torch.utils.data import DataLoader, IterableDataset

from csl.methods import Optimization
from tests.methods.toy import CountedData, toy_batch, toy_method, toy_trainer


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("SwAV", {"frozen_steps": 4}, "--model.frozen_steps: the prototypes stay"),
        ("DINO", {"frozen_epochs": 2}, "--model.frozen_epochs: the weights of the head's last layer stay"),
    ],
)
def test_it_is_said_that_a_part_is_never_trained(
    name: str, options: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    toy_trainer(max_epochs=2).fit(toy_method(name, **options), datamodule=CountedData(count=16, batch_size=8))
    assert said in caplog.text
    assert "as they were made for the whole training of 4 steps" in caplog.text
    caplog.clear()
    fewer = {option: number - 1 for option, number in options.items()}
    toy_trainer(max_epochs=2).fit(toy_method(name, **fewer), datamodule=CountedData(count=16, batch_size=8))
    assert "as they were made" not in caplog.text


class Endless(IterableDataset[int]):
    """Indices without an end, as of a stream."""

    def __iter__(self) -> Iterator[int]:
        return itertools.count()


@pytest.mark.parametrize("frozen_epochs", [0, 1])
def test_a_stream_has_no_epochs(frozen_epochs: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    method = toy_method("DINO", frozen_epochs=frozen_epochs, optimization=Optimization("sgd", lr=0.1, warmup_epochs=0))
    loader = DataLoader(Endless(), batch_size=8, collate_fn=toy_batch)
    toy_trainer(max_steps=2).fit(method, train_dataloaders=loader)
    assert method.global_step == 2
    assert ("stay as they were made for the whole training of 2 steps" in caplog.text) == bool(frozen_epochs)
