"""What folders people really have, and what is read of them."""

import os
from pathlib import Path

import pytest

from csl.data import Folder
from tests.data.layouts import of_classes, put, sizes, total

BOTH = ("cat", "dog")


def passed_over(source: Folder) -> dict[str, int]:
    return {entry.reason: entry.number for entry in source.load().passed_over}


@pytest.mark.parametrize("below", ["", "train/"])
def test_hidden_files_and_what_systems_leave_behind_are_passed_over(tmp_path: Path, below: str) -> None:
    left = ["cat/.ipynb_checkpoints/0-checkpoint.png", "cat/._0.png", "cat/Thumbs.db", "dog/@eaDir/0.png/x.png"]
    left += ["__MACOSX/cat/0.png", "@eaDir/y.png", ".cache/z.png", "dog/deep/.thumbs/t.png", "#recycle/cat/0.png"]
    put(tmp_path, *(below + name for name in [*of_classes(*BOTH), *left]))
    source = Folder(tmp_path, holdout=0.25)
    assert total(source) == {"cat": 4, "dog": 4}
    assert passed_over(source) == {"hidden or left behind by a system": len(left)}
    assert "hidden or left behind by a system: 9 (" in str(source.record())


def test_hidden_folders_beside_the_sets_are_no_sets_and_no_classes(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train/cat", "train/dog", "val/cat", "val/dog", "__MACOSX/train/cat", ".val/cat"))
    assert sizes(Folder(tmp_path).load()) == {"train": 8, "val": 8}


def test_images_are_known_by_name_or_by_content_and_the_rest_is_said(tmp_path: Path) -> None:
    images = ["cat/a.jfif", "cat/photo.jpg_1088W", "cat/without", "dog/b.JPE", "dog/c.png?size=large", "dog/d.webp"]
    others = ["cat/notes.txt", "dog/boxes.json", "dog/boxes2.json", "dog/e.heic", "dog/f.png~", "dog/g.jpg.part"]
    put(tmp_path, *images, *others)
    source = Folder(tmp_path, holdout=0.3)
    assert total(source) == {"cat": 3, "dog": 3}
    assert passed_over(source) == {
        ".txt files": 1,
        ".json files": 2,
        ".heic images (cannot be read; convert them, for example to PNG)": 1,
        "backup copies or unfinished downloads": 2,
    }
    line = str(source.record()).splitlines()[2]
    assert line.startswith("  passed over: ")
    assert ".json files: 2 (dog/boxes.json, dog/boxes2.json)" in line


@pytest.mark.parametrize(
    ("train", "other", "part"),
    [
        ("Train", "Val", "val"),
        ("train", "Val", "val"),
        ("TRAIN", "valid", "val"),
        ("Training", "Validation", "val"),
        ("training", "dev", "val"),
        ("Training", "Testing", "val"),  # the only other set is the held-out one
        ("train", "testing", "val"),
        ("photos/Train", "photos/Test", "val"),
        ("a/b/train", "a/b/Evaluation", "val"),
    ],
)
def test_sets_are_known_in_any_spelling(tmp_path: Path, train: str, other: str, part: str) -> None:
    put(tmp_path, *of_classes(f"{train}/cat", f"{train}/dog"), *of_classes(f"{other}/cat", f"{other}/dog", count=3))
    source = Folder(tmp_path)
    assert source.class_names == BOTH
    assert sizes(source.load()) == {"train": 8, part: 6}


def test_three_sets_of_mixed_spelling(tmp_path: Path) -> None:
    put(tmp_path, *of_classes(*(f"{part}/{name}" for part in ("Train", "valid", "TEST") for name in BOTH)))
    source = Folder(tmp_path)
    assert sizes(source.load()) == {"train": 8, "val": 8, "test": 8}
    assert "by the names of the folders, train is Train, val is valid, test is TEST" in str(source.record())


@pytest.mark.parametrize("pair", [("val", "dev"), ("val", "Val"), ("test", "Testing"), ("train", "Training")])
def test_two_folders_for_one_set_are_refused(tmp_path: Path, pair: tuple[str, str]) -> None:
    put(tmp_path, *of_classes("train/cat", *(f"{name}/cat" for name in pair)))
    with pytest.raises(ValueError, match=r"root: expected one \w+ folder in .*, got \w+ and \w+; rename or move one"):
        Folder(tmp_path)


def test_a_root_one_level_too_high_is_followed_down(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("photos/2024/cat", "photos/2024/dog"))
    source = Folder(tmp_path, holdout=0.25)
    assert source.class_names == BOTH
    assert f"read from {tmp_path / 'photos'}, the only folder in {tmp_path}" in str(source.record())


def test_several_sets_of_sets_are_refused(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("pets/train/cat", "pets/val/cat", "wild/train/wolf", "wild/val/wolf"))
    with pytest.raises(
        ValueError, match=r"root: '.*pets' holds sets of its own \(train, val\); name that folder as root"
    ):
        Folder(tmp_path)


@pytest.mark.parametrize("below", ["", "train/"])
def test_folders_of_folders_are_refused_until_the_level_is_said(tmp_path: Path, below: str) -> None:
    put(
        tmp_path,
        *of_classes(*(f"{below}{name}" for name in ("pets/cat", "pets/dog", "wild/cat", "wild/wolf")), count=8),
    )
    with pytest.raises(ValueError, match=r"are the classes pets, wild, or cat, dog, wolf\? Say class_level=1 for the"):
        Folder(tmp_path)
    assert total(Folder(tmp_path, class_level=1)) == {"pets": 16, "wild": 16}
    assert total(Folder(tmp_path, class_level=2)) == {"pets/cat": 8, "pets/dog": 8, "wild/cat": 8, "wild/wolf": 8}
    assert Folder(tmp_path, class_level=0).class_names == ()


@pytest.mark.parametrize(
    "layout", [("cat/images", "dog/images"), ("cat", "dog/images"), ("cat/2023", "cat/2024", "dog")]
)
def test_folders_inside_classes_belong_to_them(tmp_path: Path, layout: tuple[str, ...]) -> None:
    put(tmp_path, *of_classes(*layout))
    assert Folder(tmp_path).class_names == BOTH


def test_an_impossible_level(tmp_path: Path) -> None:
    put(tmp_path, *of_classes(*BOTH))
    with pytest.raises(ValueError, match="class_level: expected a level of folders from 0, got -1"):
        Folder(tmp_path, class_level=-1)
    with pytest.raises(ValueError, match=r"class_level: no image in '.*' lies 3 folders deep"):
        Folder(tmp_path, class_level=3)


@pytest.mark.parametrize("inner", ["", "/deep"])
def test_a_class_called_train_is_ambiguous(tmp_path: Path, inner: str) -> None:
    put(tmp_path, *of_classes(f"train{inner}", "cat", "bus"))
    with pytest.raises(
        ValueError, match=r"holds train beside bus, cat: a set, or a class like the others\? If it is a cl"
    ):
        Folder(tmp_path)
    (tmp_path / "all").mkdir()
    for name in ("train", "cat", "bus"):
        (tmp_path / name).rename(tmp_path / "all" / name)
    (tmp_path / "all").rename(tmp_path / "train")  # what the error says
    assert Folder(tmp_path).class_names == ("bus", "cat", "train")


def test_a_class_called_valid(tmp_path: Path) -> None:
    source = Folder(put(tmp_path, *of_classes("valid", "invalid")))
    assert source.class_names == ("invalid", "valid")
    assert "valid: read as a class, like the folders beside it" in str(source.record())


def test_evaluation_sets_without_a_training_set_are_refused(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("val/cat", "val/dog", "Test/cat", "Test/dog"))
    with pytest.raises(
        ValueError, match=r"root: found Test and val in '.*', but no folder called train; if they are cl"
    ):
        Folder(tmp_path)
    put(tmp_path, *of_classes("extra/cat"))
    with pytest.raises(ValueError, match=r"holds Test beside extra: a set, or a class like the others\?"):
        Folder(tmp_path)


def test_what_lies_beside_the_sets_is_said(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train/cat", "train/dog", "test/cat", "test/dog", "extra"), "preview.png", "notes/a.txt")
    source = Folder(tmp_path)
    assert sizes(source.load()) == {"train": 8, "val": 8}
    assert "folders or images beside the sets: 2 (extra, preview.png)" in str(source.record())


def test_images_beside_the_classes(tmp_path: Path) -> None:
    put(tmp_path, *of_classes(*BOTH), "contact sheet.png")
    assert "images above the class folders: 1 (contact sheet.png)" in str(Folder(tmp_path).record())
    put(tmp_path, *(f"{number}.png" for number in range(9)))
    with pytest.raises(
        ValueError, match=r"10 images lie beside cat, dog in '.*', which hold 8: are these folders clas"
    ):
        Folder(tmp_path)
    assert total(Folder(tmp_path, class_level=1)) == {"cat": 4, "dog": 4}
    assert sizes(Folder(tmp_path, class_level=0).load()) == {"train": 14, "val": 4}


def test_classes_that_one_set_lacks(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train/cat", "train/dog", "val/cat"))
    source = Folder(tmp_path)
    assert source.load().val.labels.tolist() == [0] * 4
    assert "val has no image of dog" in str(source.record())
    put(tmp_path, *of_classes("val/fox"))
    with pytest.raises(
        ValueError, match="train and val have different classes: 'dog' only in train, 'fox' only in val"
    ):
        Folder(tmp_path)


def test_a_single_training_class_is_a_class_beside_several(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train/cat", "val/cat", "val/dog"))
    with pytest.raises(ValueError, match="train and val have different classes: 'dog' only in val"):
        Folder(tmp_path)


def test_a_class_of_files_that_cannot_be_read(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("cat"), "dog/a.heic", "dog/b.heic")
    with pytest.raises(
        ValueError, match=r"'.*/dog' has no images, .*; passed over: .heic images .*: 2 \(dog/a.heic, dog/b"
    ):
        Folder(tmp_path)


def test_accents_in_two_spellings_are_one_class(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("train/e\u0301te\u0301", "train/hiver", "val/\u00e9t\u00e9", "val/hiver"))
    assert Folder(tmp_path).class_names == ("hiver", "\u00e9t\u00e9")


def test_a_name_that_is_no_text_can_be_printed(tmp_path: Path) -> None:
    put(tmp_path, *of_classes("caf\udce9", "tea"), "tea/x\udce9.txt")
    text = str(Folder(tmp_path).record())
    assert "2 classes: caf\\udce9, tea" in text
    text.encode()


def test_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    put(tmp_path / "photos", *of_classes(*BOTH))
    assert Folder("~/photos").class_names == BOTH


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    put(tmp_path, "photos.zip.png")
    with pytest.raises(ValueError, match=r"root: expected a folder of images, got .*which is a file"):
        Folder(tmp_path / "photos.zip.png")


class TestLinks:
    """Links are followed, but not to what is read without them."""

    def test_to_the_root_inside_a_class(self, tmp_path: Path) -> None:
        put(tmp_path, *of_classes(*BOTH))
        (tmp_path / "cat" / "up").symlink_to(tmp_path)
        (tmp_path / "dog" / "around").symlink_to(tmp_path.parent)
        (tmp_path / "dog" / "self").symlink_to(tmp_path / "dog")
        source = Folder(tmp_path)
        assert total(source) == {"cat": 4, "dog": 4}
        assert passed_over(source) == {"links to what is read anyway": 3}

    @pytest.mark.parametrize("first", BOTH)
    def test_to_another_class(self, tmp_path: Path, first: str) -> None:
        put(tmp_path, *of_classes(*BOTH))
        second = "dog" if first == "cat" else "cat"
        (tmp_path / first / "others").symlink_to(tmp_path / second)
        (tmp_path / first / "9.png").symlink_to(tmp_path / second / "0.png")
        (tmp_path / first / "again.png").symlink_to("0.png")
        assert total(Folder(tmp_path)) == {"cat": 4, "dog": 4}

    def test_a_set_as_its_own_class(self, tmp_path: Path) -> None:
        put(tmp_path, *of_classes("train/cat", "train/dog", "val/cat", "val/dog"))
        (tmp_path / "train" / "cat" / "up").symlink_to(tmp_path)
        (tmp_path / "train" / "cat" / "all").symlink_to(tmp_path / "train")
        assert sizes(Folder(tmp_path).load()) == {"train": 8, "val": 8}

    def test_to_files_and_folders_outside(self, tmp_path: Path) -> None:
        pool = put(tmp_path / "pool", *of_classes("x", "y"), "z.png", "w.png")
        root = put(tmp_path / "root", *of_classes("cat", count=1))
        (root / "dog").symlink_to(pool / "x")
        (root / "cat" / "more").symlink_to(pool / "y")
        (root / "cat" / "z.png").symlink_to(pool / "z.png")
        (root / "cat" / "z2.png").symlink_to(pool / "z.png")
        (root / "fox").mkdir()
        (root / "fox" / "w.png").symlink_to(pool / "w.png")
        (root / "fox" / "z.png").symlink_to(pool / "z.png")
        assert total_of_files(Folder(root)) == {"cat": 6, "dog": 4, "fox": 1}

    def test_one_folder_outside_is_entered_once(self, tmp_path: Path) -> None:
        pool = put(tmp_path / "pool", *of_classes("x/y"))
        root = put(tmp_path / "root", *of_classes(*BOTH))
        (root / "cat" / "inner").symlink_to(pool / "x" / "y")
        (root / "dog" / "outer").symlink_to(pool / "x")
        assert total_of_files(Folder(root)) == {"cat": 8, "dog": 4}

    def test_into_a_hidden_store(self, tmp_path: Path) -> None:
        put(tmp_path, *of_classes(".store/cat", ".store/more"))
        (tmp_path / "cat").mkdir()
        for file in sorted((tmp_path / ".store" / "cat").iterdir()):
            (tmp_path / "cat" / file.name).symlink_to(file)
        (tmp_path / "dog").symlink_to(tmp_path / ".store" / "more")
        assert total(Folder(tmp_path)) == {"cat": 4, "dog": 4}

    def test_a_held_out_set_that_is_the_training_set(self, tmp_path: Path) -> None:
        put(tmp_path, *of_classes("train/cat", "train/dog"))
        (tmp_path / "val").symlink_to(tmp_path / "train")
        with pytest.raises(ValueError, match=r"root: val and train in '.*' are the same folder"):
            Folder(tmp_path)

    def test_a_root_that_is_a_link(self, tmp_path: Path) -> None:
        put(tmp_path / "real", *of_classes(*BOTH))
        (tmp_path / "link").symlink_to(tmp_path / "real")
        (tmp_path / "real" / "cat" / "up").symlink_to(tmp_path / "link")
        assert total(Folder(tmp_path / "link")) == {"cat": 4, "dog": 4}

    def test_a_lone_link_to_its_own_folder(self, tmp_path: Path) -> None:
        os.symlink(tmp_path, tmp_path / "loop")
        with pytest.raises(
            ValueError, match=r"expected images in .*, found none; passed over: links to what is read any"
        ):
            Folder(tmp_path)


def total_of_files(source: Folder) -> dict[str, int]:
    """Without division: classes may be small."""
    _, classes = source._sets["train"]
    return {name: len(files) for name, files in classes.items()}
