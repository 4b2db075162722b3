"""Which folders of a root are its sets."""

import os
from pathlib import Path
from typing import NamedTuple

from csl.data.decode import is_image
from csl.data.folder_scan import listed
from csl.data.record import Tally
from csl.data.set_names import is_hidden, part_of

_WORDS = {"train": "training", "val": "validation", "test": "test"}
_BESIDE = "folders or images beside the sets"


class Sets(NamedTuple):
    """The sets of a root.

    Attributes:
        folders: The folder of each set: "train", and perhaps "val" and "test".
        tally: What lies beside them.
        notes: What a reader should know about the choice.
    """

    folders: dict[str, Path]
    tally: Tally
    notes: list[str]


def find_sets(root: Path) -> Sets:
    """Find the training set and, if there are any, the validation and test set.

    Folders called train, val or test (or training, valid, validation, dev, testing, …, in any case) are sets. Without
    them, the root is one set. A root that holds nothing but one folder stands for that folder.

    Raises:
        ValueError: If there is no such folder, or a name could be a set's as well as a class's; says what to do.
    """
    if not root.is_dir():
        what = "is a file" if root.is_file() else "is not a folder"
        raise ValueError(f"root: expected a folder of images, got {str(root)!r}, which {what}")
    folders = _visible_folders(root)
    named = [name for name in folders if part_of(name)]
    others = [name for name in folders if not part_of(name)]
    if not named:
        return _without_names(root, folders)
    if "train" not in map(part_of, named):
        return _without_train(root, named, [name for name in others if _holds_image(root / name)])
    sets = _one_each(root, named)
    beside = [name for name in others if _holds_image(root / name)]
    if len(sets) == 1 and beside:
        raise ValueError(_ambiguous(root, named[0], beside))
    tally = Tally()
    for name in [*beside, *_images(root)]:
        tally.add(_BESIDE, name)
    return Sets(sets, tally, [])


def _without_names(root: Path, folders: list[str]) -> Sets:
    if len(folders) == 1 and not any(_images(root)):
        inner = find_sets(root / folders[0])
        return inner._replace(notes=[f"read from {root / folders[0]}, the only folder in {root}", *inner.notes])
    return Sets({"train": root}, Tally(), [])


def _without_train(root: Path, named: list[str], others: list[str]) -> Sets:
    nested = [name for name in named if any(_holds_image(inner) for inner in _folders_of(root / name))]
    if others and not nested:
        return Sets({"train": root}, Tally(), [f"{' and '.join(named)}: read as a class, like the folders beside it"])
    if others:
        raise ValueError(_ambiguous(root, nested[0], others))
    raise ValueError(
        f"root: found {' and '.join(named)} in {str(root)!r}, but no folder called train; "
        "if they are classes, put them into a folder called train"
    )


def _one_each(root: Path, named: list[str]) -> dict[str, Path]:
    found: dict[str, str] = {}
    for name in sorted(named, key=lambda name: list(_WORDS).index(part_of(name) or "")):
        part = part_of(name) or ""
        if part in found:
            raise ValueError(
                f"root: expected one {_WORDS[part]} folder in {str(root)!r}, got {found[part]} and {name}; "
                "rename or move one of them"
            )
        found[part] = name
    real = {part: os.path.realpath(root / name) for part, name in found.items()}
    for part in found:
        if part != "train" and real[part] == real["train"]:
            raise ValueError(f"root: {found[part]} and {found['train']} in {str(root)!r} are the same folder")
    return {part: root / name for part, name in found.items()}


def _ambiguous(root: Path, name: str, others: list[str]) -> str:
    beside = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
    return (
        f"root: {str(root)!r} holds {name} beside {beside}: a set, or a class like the others? If it is a class, "
        f"put all classes into a folder called train (train/{name}, train/{others[0]}, …). If it is a set, "
        f"give {str(root / name)!r} as root, or move the others away"
    )


def _visible_folders(folder: Path) -> list[str]:
    """Names of the folders in a folder; not hidden ones, nor links back to it or to what it is in."""
    here = os.path.realpath(folder) + os.sep
    return [
        entry.name
        for entry in listed(folder)
        if not is_hidden(entry.name)
        and entry.is_dir()
        and not (entry.is_symlink() and here.startswith(os.path.realpath(entry.path) + os.sep))
    ]


def _folders_of(folder: Path) -> list[Path]:
    return [folder / name for name in _visible_folders(folder)]


def _images(folder: Path) -> list[str]:
    return [e.name for e in listed(folder) if not is_hidden(e.name) and e.is_file() and is_image(e.path)]


def _holds_image(folder: Path) -> bool:
    """Whether there is an image in a folder or below; ends at the first."""
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        paths = (os.path.join(parent, name) for name in files if not is_hidden(name))
        if any(os.path.isfile(path) and is_image(path) for path in paths):
            return True
    return False
