"""A run that is stopped anywhere and resumed sees the same images, in the same views, as one that was not."""

from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch import Callback, LightningModule, Trainer

from tests.data.toy import Looker, module, trainer

BATCHES = 3  # of 8, from 30 images; 6 are left out
EPOCHS = 3


class Killed(Exception):
    pass


class KillAfterBatch(Callback):
    """Save after a batch and die."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.path)
            raise Killed


class KillInBatch(Callback):
    """Die before a step is taken; save on the way out, as a checkpoint on exception does."""

    def __init__(self, step: int, path: Path) -> None:
        self.step, self.path = step, path

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step - 1:
            raise Killed

    def on_exception(self, trainer: Trainer, module: LightningModule, exception: BaseException) -> None:
        trainer.save_checkpoint(self.path)


class KillAtEpochEnd(Callback):
    """Save at the end of an epoch, in the hook where checkpoints are saved, and die."""

    def __init__(self, step: int, path: Path, hook: str) -> None:
        self.step, self.path = step, path
        setattr(self, hook, self._kill)

    def _kill(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step == self.step and not trainer.sanity_checking:
            trainer.save_checkpoint(self.path)
            raise Killed


def kill_at(where: str, step: int, path: Path) -> Callback:
    if where == "after batch":
        return KillAfterBatch(step, path)
    if where == "in batch":
        return KillInBatch(step, path)
    return KillAtEpochEnd(step, path, where)


KILLS = [("after batch", step) for step in range(1, BATCHES * EPOCHS)]
# Lightning itself gives up the last batch of an epoch if the run dies inside it: `is_last_batch` is restored as true.
KILLS += [("in batch", step) for step in range(2, BATCHES * EPOCHS) if step % BATCHES]
KILLS += [(hook, BATCHES * e) for hook in ("on_train_epoch_end", "on_validation_end") for e in range(1, EPOCHS)]


@pytest.mark.parametrize(("where", "step"), KILLS)
def test_resumed_run_sees_what_the_whole_run_sees(where: str, step: int, tmp_path: Path, uninterrupted: Any) -> None:
    check(where, step, tmp_path / "killed.ckpt", uninterrupted)


@pytest.mark.parametrize(("where", "step"), [("after batch", 2), ("after batch", 3), ("on_train_epoch_end", 3)])
def test_workers_that_fetch_ahead_change_nothing(where: str, step: int, tmp_path: Path, uninterrupted: Any) -> None:
    check(where, step, tmp_path / "killed.ckpt", uninterrupted, encoded=True, memory_budget=0.0, num_workers=2)


def check(where: str, step: int, path: Path, expected: Any, **options: Any) -> None:
    killed, resumed = Looker(), Looker()
    with pytest.raises(Killed):
        trainer(kill_at(where, step, path), max_epochs=EPOCHS).fit(killed, module(**options))
    trainer(max_epochs=EPOCHS).fit(resumed, module(**options), ckpt_path=path, weights_only=True)
    before = killed.seen[: step - (where == "in batch")]
    assert before + resumed.seen == expected


@pytest.fixture(scope="module")
def uninterrupted() -> list[tuple[int, list[int], float]]:
    method = Looker()
    trainer(max_epochs=EPOCHS).fit(method, module())
    assert [epoch for epoch, _, _ in method.seen] == [e for e in range(EPOCHS) for _ in range(BATCHES)]
    return method.seen


def test_every_epoch_has_its_own_order_and_views(uninterrupted: list[tuple[int, list[int], float]]) -> None:
    orders = [
        tuple(i for _, index, _ in uninterrupted[e * BATCHES : (e + 1) * BATCHES] for i in index) for e in range(3)
    ]
    assert len(set(orders)) == EPOCHS
    assert all(len(set(order)) == BATCHES * 8 for order in orders)
    assert len({checksum for _, _, checksum in uninterrupted}) == BATCHES * EPOCHS
