import os
from pathlib import Path
from typing import Any

import pytest
import torch

from csl.callbacks import AtomicCheckpointIO


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


def test_a_malicious_checkpoint_is_refused_and_not_executed(tmp_path: Path) -> None:
    path, target = tmp_path / "evil.ckpt", tmp_path / "owned"
    torch.save({"state_dict": Malicious(target)}, path)
    with pytest.raises(ValueError, match=r"evil\.ckpt is not a checkpoint that csl wrote"):
        AtomicCheckpointIO().load_checkpoint(path, weights_only=False)
    assert not target.exists()


def test_a_failed_write_leaves_the_earlier_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    io, path = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    io.save_checkpoint({"step": 1}, path)

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        io.save_checkpoint({"step": 2}, path)
    assert io.load_checkpoint(path) == {"step": 1}
    assert os.listdir(tmp_path) == ["last.ckpt"]


@pytest.mark.parametrize("size", [0, 10, 500])
def test_a_truncated_checkpoint_is_named(tmp_path: Path, size: int) -> None:
    io, path = AtomicCheckpointIO(), tmp_path / "last.ckpt"
    io.save_checkpoint({"weights": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="damaged"):
        io.load_checkpoint(path)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        AtomicCheckpointIO().load_checkpoint(tmp_path / "none.ckpt")
