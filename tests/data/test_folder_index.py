import os
from pathlib import Path
from typing import Any

import pytest

from csl.data import Folder, folder_index
from tests.commands.images import write_folder


@pytest.fixture
def listings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder of images that counts as large and as old, and what was really listed of it."""
    monkeypatch.setenv("CSL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(folder_index, "WORTH_IT", 10)
    write_folder(tmp_path / "images", classes=2, train=8, val=3)
    settle(tmp_path / "images")
    listed: list[str] = []
    scandir = os.scandir

    def counted(path: Any) -> Any:
        listed.append(str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    return listed


def settle(root: Path) -> None:
    for parent, _, _ in os.walk(root):
        os.utime(parent, (1_000_000_000, 1_000_000_000))


def found(root: Path) -> dict[str, dict[str, list[str]]]:
    """The paths of the images, by set and class."""
    return {
        part: {name: [str(folder / file) for file in files] for name, files in classes.items()}
        for part, (folder, classes) in Folder(root)._sets.items()
    }


def test_a_second_run_lists_nothing_of_a_large_set(tmp_path: Path, listings: list[str]) -> None:
    first = found(tmp_path / "images")
    listings.clear()
    assert found(tmp_path / "images") == first
    assert not [name for name in listings if "train" in name]
    assert [name for name in listings if "val" in name], "a small set is listed anew"


def test_what_was_passed_over_is_remembered_too(tmp_path: Path, listings: list[str]) -> None:
    folder = tmp_path / "images" / "train" / "class_0"
    (folder / ".hidden").mkdir()
    (folder / "notes\udce9.txt").write_text("no image")
    settle(tmp_path / "images")
    first, second = (Folder(tmp_path / "images").record() for _ in range(2))
    assert [entry.number for entry in first.passed_over] == [1, 1]
    assert second.passed_over == first.passed_over
    assert second.fingerprint == first.fingerprint
    assert [note.partition(", kept in")[0] for note in second.notes if "kept" in note] == [
        "train: the listing is that of an earlier run"
    ]


@pytest.mark.parametrize("change", ["added", "removed", "class"])
def test_a_change_is_seen(tmp_path: Path, listings: list[str], change: str) -> None:
    train = tmp_path / "images" / "train"
    first = found(tmp_path / "images")["train"]
    name, files = next(iter(first.items()))
    if change == "added":
        (train / name / "new.png").write_bytes(Path(files[0]).read_bytes())
    elif change == "removed":
        Path(files[0]).unlink()
    else:
        (train / name).rename(train / "renamed")
        (tmp_path / "images" / "val" / name).rename(tmp_path / "images" / "val" / "renamed")
    second = found(tmp_path / "images")["train"]
    assert second != first
    assert sum(map(len, second.values())) == sum(map(len, first.values())) + {"added": 1, "removed": -1}.get(change, 0)


def test_a_folder_that_is_being_written_to_is_not_remembered(tmp_path: Path, listings: list[str]) -> None:
    os.utime(tmp_path / "images" / "train")
    found(tmp_path / "images")
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense"])
def test_a_damaged_listing_is_made_again(tmp_path: Path, listings: list[str], content: bytes) -> None:
    first = found(tmp_path / "images")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(content)
    assert found(tmp_path / "images") == first
    assert kept.read_bytes() != content


def test_a_disk_that_refuses_it_does_no_harm(
    tmp_path: Path, listings: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder_index, "replacing", refuse)
    assert len(found(tmp_path / "images")["train"]) == 2
