"""How methods that keep something for every training image learn how many there are."""

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from csl.methods import Method
from csl.methods.per_image import PerImageMethod
from tests.methods.toy import METHODS, CountedData, ToyData, toy_method, toy_trainer, weights
from tests.promises.test_two_processes import _among_two
from tests.two_processes import TwoProcesses

# CMC has memories where their negatives are asked for.
OPTIONS: dict[str, dict[str, Any]] = {"CMC": {"negatives": 0}}
KINDS = [name for name, kind in METHODS.items() if issubclass(kind, PerImageMethod)]


def _method(name: str, num_images: int | None) -> Method:
    return toy_method(name, num_images=num_images, **OPTIONS.get(name, {}))


def kept(method: Method) -> int:
    assert isinstance(method, PerImageMethod)
    return len(method.state_dict()[method.per_image])


@pytest.mark.parametrize("name", KINDS)
def test_the_data_tell_and_a_checkpoint_does(name: str, tmp_path: Path) -> None:
    method, path = _method(name, None), tmp_path / "last.ckpt"
    trainer = toy_trainer(max_epochs=1)
    trainer.fit(method, datamodule=CountedData(method.views, count=40))
    assert kept(method) == 40
    trainer.save_checkpoint(path)
    resumed, measured = (_method(name, None) for _ in range(2))
    toy_trainer().fit(resumed, datamodule=CountedData(method.views, count=40), ckpt_path=path)
    assert kept(resumed) == 40
    toy_trainer(limit_val_batches=1.0).validate(measured, CountedData(count=24), ckpt_path=path, verbose=False)
    torch.testing.assert_close(weights(measured), weights(method), rtol=0, atol=0)


@pytest.mark.parametrize("name", KINDS)
def test_a_number_that_cannot_be_is_an_error_before_training(name: str) -> None:
    def fit(data: Any, num_images: int | None) -> None:
        toy_trainer().fit(_method(name, num_images), datamodule=data)

    with pytest.raises(ValueError, match="num_images: expected at least the data's 80, got 72"):
        fit(CountedData(METHODS[name].views, count=80), 72)
    with pytest.raises(ValueError, match="num_images: expected how many training images there are"):
        fit(ToyData(METHODS[name].views), None)
    with pytest.raises(ValueError, match="num_images: expected a positive number, got 0"):
        _method(name, 0)


class _Plain(Dataset[Any]):
    """Images with labels, without a number."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return torch.rand(3, 8, 8), index % 3


@pytest.mark.parametrize("name", KINDS)
def test_a_loader_that_does_not_say_which_images_it_gives_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"batch: {name} keeps something for each training image"):
        toy_trainer().fit(_method(name, 72), DataLoader(_Plain(), batch_size=8))


def test_without_memories_cmc_takes_any_loader() -> None:
    toy_trainer(max_epochs=1).fit(toy_method("CMC"), DataLoader(_Plain(), batch_size=8))


class _Sent(Callback):
    """The lengths of what DDP sends before each forward pass, and of what is kept for images."""

    def on_train_end(self, trainer: Any, module: Any) -> None:
        self.lengths = {len(buffer) for buffer in trainer.strategy.model.modules_buffers if buffer.ndim}
        self.kept = {name: value for name, value in weights(module).items() if 72 in value.shape}


def _sent_and_kept(name: str) -> tuple[set[int], dict[str, Tensor]]:
    sent = _Sent()
    with _among_two() as options:
        method = _method(name, 72)
        toy_trainer(**options, max_epochs=1, callbacks=[sent]).fit(method, datamodule=ToyData(method.views, count=72))
    return sent.lengths, sent.kept


@pytest.mark.parametrize("name", KINDS)
def test_what_is_kept_for_images_is_the_same_in_all_processes_without_being_sent(
    name: str, two_processes: TwoProcesses
) -> None:
    (lengths, first), (_, second) = two_processes(_sent_and_kept, name)
    assert 72 not in lengths
    assert first
    torch.testing.assert_close(first, second, rtol=0, atol=0)
