"""What a stranger's files can and cannot do, and what a disk may refuse."""

import errno
import io
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.summary.writer.record_writer import RecordWriter

from csl.commands.errors import reported
from csl.runs import LAST
from tests.commands.images import write_folder
from tests.commands.runs import SMALL, csl, failure

QUICK = ["--trainer.limit_val_batches", "0", "--trainer.max_epochs", "1", *SMALL]


class Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("command", ["fit", "validate"])
def test_a_malicious_checkpoint_is_refused_by_the_command(tmp_path: Path, command: str) -> None:
    path, target = tmp_path / "evil.ckpt", tmp_path / "owned"
    torch.save({"state_dict": Malicious(target), "pytorch-lightning_version": "2.6.0"}, path)
    status, message = failure(tmp_path, command, "--ckpt_path", "evil.ckpt", *SMALL)
    assert status == 1
    assert "evil.ckpt is not a checkpoint that csl wrote, or is damaged" in message
    assert "Traceback" not in message
    assert not target.exists()


def test_resuming_from_a_malicious_checkpoint_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    (tmp_path / LAST).parent.mkdir()
    (tmp_path / "config.yaml").touch()
    torch.save({"loops": Malicious(target), "global_step": 3}, tmp_path / LAST)
    status, message = failure(tmp_path, "fit", "--resume", ".")
    assert status == 1
    assert "cannot be resumed from" in message
    assert not target.exists()


def test_tags_of_yaml_run_nothing(tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text("seed_everything: !!python/object/apply:os.mkdir [owned]\n")
    status, _ = failure(tmp_path, "fit", "--config", "evil.yaml", *QUICK)
    assert status in (1, 2)
    assert not (tmp_path / "owned").exists()


def refuse(number: int) -> Any:
    def refused(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number), str(args[0]) if args else None)

    return refused


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS], ids=["no permission", "read-only"])
def test_a_folder_that_may_not_be_written_to_is_an_error_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(Path, "mkdir", refuse(number))
    status, message = failure(tmp_path, "fit", *QUICK)
    assert status == 1
    assert "lightning_logs/simclr-digits/version_0" in message
    assert os.strerror(number) in message
    assert "Traceback" not in message


def test_a_file_in_the_place_of_the_log_folder_is_an_error_before_training(tmp_path: Path) -> None:
    (tmp_path / "lightning_logs").write_text("a file")
    status, message = failure(tmp_path, "fit", *QUICK)
    assert status == 1
    assert "lightning_logs/simclr-digits/version_0: Not a directory" in message
    assert "Traceback" not in message


def test_images_that_may_not_be_read_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "images", classes=2, train=3, val=2)
    monkeypatch.setattr(os, "scandir", refuse(errno.EACCES))
    status, message = failure(tmp_path, "fit", "--data.source", "Folder", "--data.source.root", "images", *QUICK)
    assert status in (1, 2)
    assert "root: cannot look into 'images': Permission denied" in message


@pytest.fixture
def run(tmp_path: Path) -> Path:
    csl(tmp_path, "fit", *QUICK)
    return tmp_path / "lightning_logs" / "simclr-digits" / "version_0"


def test_a_full_disk_ends_the_run_in_plain_words_and_leaves_the_earlier_checkpoint(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / LAST).read_bytes()
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace("max_epochs: 1", "max_epochs: 2"))
    save = torch.save

    def full(content: Any, file: Any) -> None:
        out = io.BytesIO()
        save(content, out)
        file.write(out.getvalue()[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(torch, "save", full)
    status, message = failure(tmp_path, "fit", "--resume", str(run))
    assert status == 1
    assert "No space left on device; what was there before is unchanged" in message
    assert "Traceback" not in message
    assert (run / LAST).read_bytes() == before
    assert [path.name for path in (run / LAST).parent.iterdir()] == [LAST.name]


def test_a_log_that_cannot_be_written_any_more_ends_the_run_in_plain_words(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (run / LAST).read_bytes()
    (run / "config.yaml").write_text((run / "config.yaml").read_text().replace("max_epochs: 1", "max_epochs: 3"))
    write, left = RecordWriter.write, [3]

    def full(self: Any, data: bytes) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(self, data)

    monkeypatch.setattr(RecordWriter, "write", full)
    status, message = failure(tmp_path, "fit", "--resume", str(run))
    assert status == 1
    assert "No space left on device" in message
    assert "Traceback" not in message
    assert (run / LAST).read_bytes() == before


def test_a_file_that_disappears_under_a_worker_is_named_without_a_traceback(tmp_path: Path) -> None:
    write_folder(tmp_path / "images", classes=2, train=8, val=4)
    (tmp_path / "vanish.py").write_text(
        "from pathlib import Path\n"
        "from lightning.pytorch import Callback\n"
        "class Vanish(Callback):\n"
        "    def setup(self, trainer, module, stage):\n"
        "        for file in Path('images').rglob('*.png'):\n"
        "            file.unlink()\n"
    )
    line = [
        "--data.source",
        "Folder",
        "--data.source.root",
        "images",
        "--data.batch_size",
        "4",
        "--data.num_workers",
        "1",
    ]
    line += ["--data.memory_budget", "0", "--model.encoder", "ConvNet", "--trainer.callbacks+", "vanish.Vanish"]
    status, message = failure(tmp_path, "fit", *line, *QUICK)
    assert status == 1
    assert "csl fit: error: cannot decode image images/train/class_" in message
    assert "No such file" in message
    assert "Traceback" not in message


def test_errors_of_others_keep_their_traceback() -> None:
    with pytest.raises(RuntimeError, match="a bug"), reported("fit"):
        raise RuntimeError("a bug")


@pytest.mark.parametrize("command", ["fit", "validate", "predict"])
def test_an_instantiator_named_in_a_checkpoint_is_never_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """GHSA-qqmf-gpg7-g8gw: Lightning imported and called what a checkpoint's hyper-parameters name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stranger.py").write_text(
        "import os\nos.mkdir('imported')\ndef boom(*args, **kwargs): os.mkdir('called')\n"
    )
    csl(tmp_path, "fit", *QUICK)
    own = next(tmp_path.glob(f"lightning_logs/*/version_0/{LAST}"))
    checkpoint = torch.load(own, weights_only=True)
    checkpoint["hyper_parameters"] = {"_instantiator": "stranger.boom", "encoder": {}}
    torch.save(checkpoint, tmp_path / "stranger.ckpt")
    csl(tmp_path, command, "--ckpt_path", "stranger.ckpt", "--trainer.max_epochs", "2", *SMALL)
    assert not {"imported", "called"} & {path.name for path in tmp_path.iterdir()}
