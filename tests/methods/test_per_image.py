"""How methods that keep something for every training image learn how many there are."""

from pathlib import Path
from typing import Any

import pytest
import torch

from csl.methods import Method
from csl.methods.per_image import PerImageMethod
from tests.methods.toy import METHODS, ToyData, toy_method, toy_trainer, weights

KINDS = [name for name, kind in METHODS.items() if issubclass(kind, PerImageMethod)]


class _Counted(ToyData):
    """Data that tell their number, as csl's do."""

    @property
    def num_train(self) -> int:
        return self.count


def kept(method: Method) -> int:
    assert isinstance(method, PerImageMethod)
    return len(method.state_dict()[method.per_image])


@pytest.mark.parametrize("name", KINDS)
def test_the_data_tell_and_a_checkpoint_does(name: str, tmp_path: Path) -> None:
    method, path = toy_method(name, num_images=None), tmp_path / "last.ckpt"
    trainer = toy_trainer(max_epochs=1)
    trainer.fit(method, datamodule=_Counted(method.views, count=40))
    assert kept(method) == 40
    trainer.save_checkpoint(path)
    resumed, measured = (toy_method(name, num_images=None) for _ in range(2))
    toy_trainer().fit(resumed, datamodule=_Counted(method.views, count=40), ckpt_path=path)
    assert kept(resumed) == 40
    toy_trainer(limit_val_batches=1.0).validate(measured, _Counted(count=24), ckpt_path=path, verbose=False)
    torch.testing.assert_close(weights(measured), weights(method), rtol=0, atol=0)


@pytest.mark.parametrize("name", KINDS)
def test_a_number_that_cannot_be_is_an_error_before_training(name: str) -> None:
    def fit(data: Any, **options: Any) -> None:
        toy_trainer().fit(toy_method(name, **options), datamodule=data)

    with pytest.raises(ValueError, match="num_images: expected at least the data's 80, got 72"):
        fit(_Counted(METHODS[name].views, count=80))
    with pytest.raises(ValueError, match="num_images: expected how many training images there are"):
        fit(ToyData(METHODS[name].views), num_images=None)
    with pytest.raises(ValueError, match="num_images: expected a positive number, got 0"):
        toy_method(name, num_images=0)
