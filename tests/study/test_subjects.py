import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from csl.data import Digits
from csl.io import load_checkpoint
from csl.runs import Run
from csl.study.encoding import Bench
from csl.study.entries import read_entries
from csl.study.subjects import of_length_one, read_subjects, same_samples


def test_a_run_is_its_last_checkpoint_or_the_epochs_that_are_named(digits_run: Path) -> None:
    (last,) = read_subjects([digits_run])
    assert (last.name, last.epoch, len(last.class_names)) == ("simclr-digits/version_0", 2, 10)
    first, second = read_subjects([digits_run], [1, 2])
    assert [first.name, second.name] == [f"simclr-digits/version_0 epoch {epoch}" for epoch in (1, 2)]
    assert (first.epoch, second.epoch) == (1, 2)
    torch.testing.assert_close(second.val.features, last.val.features)
    assert not torch.allclose(first.val.features, second.val.features)
    (named,) = read_subjects([digits_run / "checkpoints" / "epoch_0001.ckpt"])
    torch.testing.assert_close(named.val.features, first.val.features)


def test_features_labels_and_images_are_those_of_the_run(digits_run: Path) -> None:
    (subject,) = read_subjects([digits_run])
    run, splits = Run(digits_run), Digits().load()
    train, val = Bench(run).features(run.last)
    torch.testing.assert_close(subject.part("val").features, val.values)
    torch.testing.assert_close(subject.part("train").features, train.values)
    assert torch.equal(subject.part("val").labels, splits.val.labels)
    assert torch.equal(subject.part("train").labels, splits.train.labels)
    assert subject.val.images is not None
    positions = torch.tensor([3, 1])
    assert torch.equal(subject.val.images(positions), splits.val.images(positions))


def test_a_file_of_features_names_its_classes(tmp_path: Path) -> None:
    np.savez(tmp_path / "clip.npz", features=np.eye(3, dtype=np.float32), labels=np.array(["<b>", "$a$", "<b>"]))
    np.save(tmp_path / "bare.npy", np.eye(3, dtype=np.float32))
    clip, bare = read_subjects([tmp_path / "clip.npz", tmp_path / "bare.npy"])
    assert (clip.name, clip.class_names, clip.val.labels.tolist()) == ("clip.npz", ("$a$", "<b>"), [1, 0, 1])
    assert (bare.class_names, bare.val.labels.tolist(), bare.val.images) == ((), [-1, -1, -1], None)
    assert clip.part("train") is clip.val
    with pytest.raises(ValueError, match=r"subjects: expected the same images for all, got others for bare.npy \(3\)"):
        same_samples([clip, bare], "val")


def test_names_are_as_short_as_they_can_be_and_differ(digits_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "again" / "simclr-digits" / "version_0"
    shutil.copytree(digits_run, other)
    names = [subject.name for subject in read_subjects([digits_run, other])]
    assert names == ["lightning_logs/simclr-digits/version_0", "again/simclr-digits/version_0"]
    with pytest.raises(ValueError, match=r"subjects: expected different ones, got .*last.ckpt twice"):
        read_subjects([digits_run, digits_run])


def test_refuses_what_is_no_subject(digits_run: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected a checkpoint epoch_0007.ckpt; there are: epoch_0001.ckpt, epoch_0"):
        read_subjects([digits_run], [7])
    with pytest.raises(ValueError, match=r"expected a run's folder, .* got a folder that is no run"):
        read_subjects([tmp_path])
    with pytest.raises(ValueError, match=r": no such run, checkpoint or file of features"):
        read_subjects([tmp_path / "nothing.npz"])
    shutil.copy(digits_run / "checkpoints" / "last.ckpt", tmp_path / "lone.ckpt")
    with pytest.raises(ValueError, match=r"lone.ckpt: expected a checkpoint in the folder of its run"):
        read_subjects([tmp_path / "lone.ckpt"])
    broken = np.eye(3, dtype=np.float32)
    broken[1, 1] = np.nan
    np.save(tmp_path / "broken.npy", broken)
    with pytest.raises(ValueError, match=r"broken.npy: .*NaN"):
        of_length_one(read_subjects([tmp_path / "broken.npy"])[0])


def test_length_one_changes_the_features_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.arange(1, 9, dtype=np.float32).reshape(4, 2))
    (subject,) = read_subjects([tmp_path / "rows.npy"])
    scaled = of_length_one(subject)
    torch.testing.assert_close(scaled.val.features.norm(dim=1), torch.ones(4))
    assert scaled.val.labels is subject.val.labels


@pytest.fixture
def foreign(digits_run: Path, tmp_path: Path) -> Path:
    """A folder of the run's weights as MoCo's script writes them."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for epoch in (1, 2):
        state = load_checkpoint(digits_run / f"checkpoints/epoch_000{epoch}.ckpt")["state_dict"]
        weights = {f"module.encoder_q.{key[8:]}": value for key, value in state.items() if key.startswith("encoder.")}
        torch.save({"state_dict": weights}, folder / f"moco_{epoch}0.pth")
    return folder


def test_weights_of_others_are_subjects_like_a_run(digits_run: Path, foreign: Path) -> None:
    own = read_subjects([digits_run], [1, 2])
    named = read_subjects([foreign / "moco_10.pth", foreign / "moco_20.pth", digits_run], like=digits_run)
    assert [subject.name for subject in named] == ["moco_10.pth", "moco_20.pth", "simclr-digits/version_0"]
    assert [subject.epoch for subject in named] == [10, 20, 2]
    for subject, same in zip(named, [*own, own[1]], strict=True):
        torch.testing.assert_close(subject.val.features, same.val.features)
        assert subject.class_names == same.class_names
    same_samples(named, "val")
    (last,) = read_subjects([foreign], like=digits_run)
    assert last.path == foreign / "moco_20.pth"
    chosen = read_subjects([foreign], [10], like=digits_run)
    assert [subject.path.name for subject in chosen] == ["moco_10.pth"]


def test_what_is_asked_of_others_weights_and_missing_is_said(digits_run: Path, foreign: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"foreign: expected weights of epoch 7; there are: 10, 20"):
        read_subjects([foreign], [7], like=digits_run)
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match=r"bare: expected files of weights, got none"):
        read_subjects([tmp_path / "bare"], like=digits_run)
    (foreign / "other.ckpt").write_bytes((foreign / "moco_10.pth").read_bytes())
    with pytest.raises(ValueError, match=r"other.ckpt: expected a checkpoint in the folder of its run.*--like RUN"):
        read_subjects([foreign / "other.ckpt"])


def test_weights_of_others_are_compared_by_what_they_measure(digits_run: Path, foreign: Path, tmp_path: Path) -> None:
    copy = tmp_path / "logs/simclr-digits/version_0"
    shutil.copytree(digits_run, copy)
    weights, run = read_entries([foreign / "moco_20.pth", copy], like=copy)
    assert weights.run is None
    assert weights.values["val/rld_0.1"] == pytest.approx(run.values["val/rld_0.1"])
    assert weights.group == "moco_20.pth"
