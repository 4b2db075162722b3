from pathlib import Path

import pytest

from csl.callbacks import NaNGuard, NonFiniteLossError, RunCheckpoint
from csl.callbacks.run_checkpoint import LAST
from tests.callbacks.toy import ToyData, ToyMethod, toy_trainer


def test_a_healthy_run_is_left_alone(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard()])
    trainer.fit(ToyMethod(), ToyData())
    assert trainer.global_step == 8


@pytest.mark.parametrize("log_every_n_steps", [1, 50])
def test_the_first_bad_step_is_named_with_its_samples(tmp_path: Path, log_every_n_steps: int) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard()], log_every_n_steps=log_every_n_steps)
    with pytest.raises(NonFiniteLossError, match=r"at step 3 \(learning rate now 0\.1; batch indices \[8, 9, 10, 11\]"):
        trainer.fit(ToyMethod(bad_step=2), ToyData())


def test_the_last_good_checkpoint_is_kept(tmp_path: Path) -> None:
    trainer = toy_trainer(tmp_path, [NaNGuard(), RunCheckpoint()], log_every_n_steps=50)
    with pytest.raises(NonFiniteLossError):
        trainer.fit(ToyMethod(bad_step=6), ToyData())
    saved = trainer.strategy.checkpoint_io.load_checkpoint(tmp_path / LAST)
    assert saved["global_step"] == 4
    assert all(weight.isfinite().all() for weight in saved["state_dict"].values())
