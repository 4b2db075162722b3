"""A part that is frozen at first, in a training that ends before it is not."""

from typing import Any

import pytest

from tests.methods.toy import CountedData, toy_method, toy_trainer


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("SwAV", {"frozen_steps": 4}, "--model.frozen_steps: the prototypes stay as they were made for 4 steps"),
        ("DINO", {"frozen_epochs": 2}, "--model.frozen_epochs: the weights of the head's last layer stay"),
    ],
)
def test_it_is_said_that_a_part_is_never_trained(
    name: str, options: dict[str, Any], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    toy_trainer(max_epochs=2).fit(toy_method(name, **options), datamodule=CountedData(count=16, batch_size=8))
    assert said in caplog.text
    assert "never trained, since the training has 4" in caplog.text
    caplog.clear()
    fewer = {option: number - 1 for option, number in options.items()}
    toy_trainer(max_epochs=2).fit(toy_method(name, **fewer), datamodule=CountedData(count=16, batch_size=8))
    assert "never trained" not in caplog.text
