from pathlib import Path

import pytest
from lightning.pytorch import Callback, Trainer

from csl.callbacks import (
    AtomicCheckpointIO,
    FeatureCollector,
    MeasurementTable,
    NaNGuard,
    OrganizationMetrics,
    RunCheckpoint,
    standard,
)
from csl.callbacks.standard import STANDARD
from csl.metrics import CalinskiHarabaszScore
from csl.runs import LAST, Run
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer


def kinds(callbacks: list[Callback]) -> list[type]:
    return [type(callback) for callback in callbacks]


def test_own_callbacks_come_first_in_their_order() -> None:
    own = [OrganizationMetrics(), Callback()]
    assert kinds(standard(own)) == [OrganizationMetrics, Callback, *STANDARD]
    assert standard(own)[:2] == own
    assert kinds(standard()) == list(STANDARD)


class QuietTable(MeasurementTable):
    pass


@pytest.mark.parametrize("own", [RunCheckpoint(keep_every_n_epochs=2), FeatureCollector(), NaNGuard(), QuietTable()])
def test_one_of_the_users_own_takes_the_place_of_ours(own: Callback) -> None:
    merged = standard([own])
    assert merged[0] is own
    assert len(merged) == len(STANDARD)
    Trainer(accelerator="cpu", logger=False, callbacks=merged)  # which takes no two of one class


def test_a_trainer_in_python_has_what_the_command_has(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = standard([OrganizationMetrics([CalinskiHarabaszScore()])])
    trainer = toy_trainer(tmp_path, callbacks)
    trainer.fit(ToyMethod(), ToyData())
    assert isinstance(trainer.strategy.checkpoint_io, AtomicCheckpointIO)
    assert (tmp_path / LAST).is_file()
    assert Run(tmp_path).progress.step == 8
    assert "calinski_harabasz" in capsys.readouterr().out


def test_a_checkpoint_io_of_the_users_own_stays(tmp_path: Path) -> None:
    class Own(AtomicCheckpointIO):
        pass

    trainer = toy_trainer(tmp_path, standard(), plugins=[Own()], max_epochs=1)
    trainer.fit(ToyMethod(), ToyData())
    assert type(trainer.strategy.checkpoint_io) is Own
