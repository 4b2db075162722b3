"""What names of files and folders mean: which set a name stands for, and which names stand for nothing."""

_NAMES = {
    "train": ("train", "training", "trainset", "train_set"),
    "val": ("val", "valid", "validation", "valset", "val_set", "dev", "eval", "evaluation"),
    "test": ("test", "testing", "testset", "test_set"),
}
_PART_OF = {name: part for part, names in _NAMES.items() for name in names}
# What operating systems, storage boxes and Python leave behind.
_LEFT_BEHIND = frozenset(
    ["__macosx", "@eadir", "#recycle", "#snapshot", "$recycle.bin", "lost+found", "system volume information"]
).union(["thumbs.db", "ehthumbs.db", "desktop.ini", "__pycache__"])


def part_of(name: str) -> str | None:
    """The set that a name stands for, "train", "val" or "test", whatever its case; None if it is no such name.

    Example:
        >>> part_of("Training"), part_of("dev"), part_of("cat")
        ('train', 'val', None)
    """
    return _PART_OF.get(name.casefold())


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden or was left behind by a system, and so is never a part of the data.

    Example:
        >>> is_hidden(".ipynb_checkpoints"), is_hidden("__MACOSX"), is_hidden("cat")
        (True, True, False)
    """
    return name.startswith(".") or name.casefold() in _LEFT_BEHIND
