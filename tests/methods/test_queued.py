"""How long the queues are that the user leaves open."""

from pathlib import Path

import pytest
import torch

from csl.callbacks.facts import method_facts
from csl.methods.queued import QueueMethod
from tests.methods.toy import METHODS, CountedData, ToyData, toy_method, toy_trainer, weights

KINDS = [name for name, kind in METHODS.items() if issubclass(kind, QueueMethod)]


def _queue(name: str, size: int | None = None) -> QueueMethod:
    method = toy_method(name, queue_size=size)
    assert isinstance(method, QueueMethod)
    return method


def test_these_have_a_queue_of_images_to_compare_with() -> None:
    assert KINDS == ["All4One", "MoCo", "NNCLR"]


@pytest.mark.parametrize("name", KINDS)
def test_half_the_training_set_or_the_usual_length(name: str) -> None:
    method = _queue(name)
    usual = method.usual_queue_size
    for images, expected in ((40, 20), (2 * usual + 2, usual), (9, 5 if name == "All4One" else 4)):
        method = _queue(name)
        assert len(method.queue.features) == method.queue_size == usual
        toy_trainer(max_steps=1).fit(method, datamodule=CountedData(count=images, batch_size=8))
        assert len(method.queue.features) == method.queue_size == expected
        torch.testing.assert_close(method.queue.features.norm(dim=1), torch.ones(expected))


@pytest.mark.parametrize("name", KINDS)
def test_what_a_record_holds_of_a_method_has_the_length_that_was_left_open(name: str) -> None:
    method = _queue(name)
    toy_trainer(max_steps=1).fit(method, datamodule=CountedData(count=40))
    assert method_facts(method, {"init_args": {"queue_size": None}})["init_args"]["queue_size"] == 20


@pytest.mark.parametrize("name", KINDS)
def test_a_length_that_is_given_stays(name: str) -> None:
    method = _queue(name, 24)
    toy_trainer(max_steps=1).fit(method, datamodule=CountedData(count=16))
    assert len(method.queue.features) == method.queue_size == 24


@pytest.mark.parametrize("name", KINDS)
def test_data_that_do_not_tell_leave_the_usual_length(name: str) -> None:
    method = _queue(name)
    toy_trainer(max_steps=1).fit(method, datamodule=ToyData(count=16))
    assert len(method.queue.features) == method.queue_size == method.usual_queue_size


@pytest.mark.parametrize("name", KINDS)
def test_a_checkpoint_has_the_last_word(name: str, tmp_path: Path) -> None:
    def data() -> CountedData:
        return CountedData(count=45)  # an odd number: after each epoch the queue of 22 is at another position

    whole, first, resumed, measured = (_queue(name) for _ in range(4))
    toy_trainer(max_epochs=2).fit(whole, datamodule=data())
    trainer = toy_trainer(max_epochs=2, max_steps=6)
    trainer.fit(first, datamodule=data())
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    toy_trainer(limit_val_batches=1.0).validate(measured, ToyData(), ckpt_path=tmp_path / "last.ckpt", verbose=False)
    torch.testing.assert_close(weights(measured), weights(first), rtol=0, atol=0)
    toy_trainer(max_epochs=2).fit(resumed, datamodule=data(), ckpt_path=tmp_path / "last.ckpt")
    assert int(first.queue.position) != int(whole.queue.position)
    assert len(resumed.queue.features) == resumed.queue_size == 22
    assert int(resumed.queue.position) == int(whole.queue.position)


@pytest.mark.parametrize("name", KINDS)
def test_a_second_fit_keeps_what_the_queue_holds(name: str) -> None:
    method = _queue(name)
    toy_trainer(max_steps=1).fit(method, datamodule=CountedData(count=40))
    before = method.queue.features.clone()
    method.setup("fit")
    torch.testing.assert_close(method.queue.features, before, rtol=0, atol=0)
