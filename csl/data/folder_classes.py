"""From the files of each set to classes."""

import unicodedata
from collections import Counter
from pathlib import Path

from csl.data.folder_scan import Listing
from csl.data.record import Tally
from csl.data.set_names import part_of

# Images by class; the one key "" stands for "no classes".
Classes = dict[str, list[str]]

_LOOSE = "images above the class folders"


def read_classes(
    root: Path, folders: dict[str, Path], listings: dict[str, Listing], level: int | None, tally: Tally
) -> tuple[dict[str, Classes], list[str]]:
    """The images of each class of each set, and what a reader should know about them.

    Args:
        root: What names in the tally start from.
        folders: The folder of each set.
        listings: What is in it.
        level: Which level of folders names the class; found out if None.
        tally: Counts what is passed over.

    Raises:
        ValueError: If a set or a class is empty, it is unclear which folders are the classes, or a set has a class that
            the first labelled one lacks.
    """
    several = {name for listing in listings.values() if len(listing.folders) > 1 for name in listing.folders}
    sets: dict[str, Classes] = {}
    for part, listing in listings.items():
        if not listing.files:
            raise ValueError(f"root: expected images in {str(folders[part])!r}, found none{_passed_over(listing)}")
        own = _find_level(folders[part], listing, several) if level is None else level
        sets[part], loose = _group(listing, own)
        for name in loose:
            tally.add(_LOOSE, folders[part].joinpath(name).relative_to(root).as_posix())
        if not sets[part]:
            raise ValueError(f"class_level: no image in {str(folders[part])!r} lies {own} folders deep")
        if own == 1:
            _refuse_empty(folders[part], listing, sets[part])
    return sets, _compare(folders, sets)


def _find_level(folder: Path, listing: Listing, several: set[str]) -> int:
    """0 or 1: what the folders in a set are, its classes or nothing."""
    tops = Counter(name.split("/", 1)[0] for name in listing.files if "/" in name)
    loose = len(listing.files) - tops.total()
    if not tops:
        return 0 if len(listing.folders) < 2 or loose else 1
    if len(listing.folders) == 1 and listing.folders[0] not in several:
        return 0  # one class tells nothing
    if loose > tops.total():
        raise ValueError(
            f"root: {loose:,} images lie beside {_some(list(tops))} in {str(folder)!r}, which hold {tops.total():,}: "
            "are these folders classes? class_level=1 reads them as classes and passes over the images beside them, "
            "class_level=0 takes all images as unlabelled"
        )
    _refuse_deeper(folder, listing.files)
    return 1


def _refuse_deeper(folder: Path, files: list[str]) -> None:
    """Refuse folders that hold sets, and folders that hold nothing but several folders each."""
    inner: dict[str, set[str]] = {}
    for name in files:
        top, *rest = name.split("/", 2)
        inner.setdefault(top, set()).add(rest[0] if len(rest) > 1 else "")
    for top, names in inner.items():
        if {"train"} < {part_of(name) for name in names} - {None}:
            sets = ", ".join(name for name in sorted(names) if part_of(name))
            raise ValueError(
                f"root: {str(folder / top)!r} holds sets of its own ({sets}); name that folder as root, "
                "or, if its name is a class, order them the other way round: train/<class>, val/<class>"
            )
    if all("" not in names and len(names) > 1 for names in inner.values()):
        outer, deeper = list(inner), sorted(set().union(*inner.values()))
        raise ValueError(
            f"root: the folders in {str(folder)!r} hold no images, only folders: are the classes {_some(outer)}, or "
            f"{_some(deeper)}? Say class_level=1 for the first, class_level=2 for the others (each with the name of "
            "the folder it is in), class_level=0 for images without labels, or name a folder further down as root"
        )


def _group(listing: Listing, level: int) -> tuple[Classes, list[str]]:
    """The images of each class, and those that lie above the classes."""
    if level == 0:
        return {"": listing.files}, []
    classes: Classes = {}
    loose = []
    for name in listing.files:
        parts = name.split("/")
        if len(parts) <= level:
            loose.append(name)
        else:
            # Two ways to write an accent, of which a Mac prefers one, are one name.
            classes.setdefault(unicodedata.normalize("NFC", "/".join(parts[:level])), []).append(name)
    return {name: classes[name] for name in sorted(classes)}, loose


def _refuse_empty(folder: Path, listing: Listing, classes: Classes) -> None:
    for name in listing.folders:
        if unicodedata.normalize("NFC", name) not in classes:
            raise ValueError(
                f"root: class folder {str(folder / name)!r} has no images, by their names or by their content"
                f"{_passed_over(listing, name + '/')}; remove it if it is no class"
            )


def _compare(folders: dict[str, Path], sets: dict[str, Classes]) -> list[str]:
    labelled = {part: classes for part, classes in sets.items() if "" not in classes}
    if not labelled:
        return []
    first, *others = labelled
    for other in others:
        if set(labelled[other]) - set(labelled[first]):
            odd = sorted(set(labelled[first]) ^ set(labelled[other]))[:5]
            sides = [f"{name!r} only in {first if name in labelled[first] else other}" for name in odd]
            raise ValueError(
                f"root: {first} and {other} have different classes: {', '.join(sides)}. If the folders in one of them "
                f"are no classes, give {str(folders['train'])!r} as root, with class_level=0, and the labelled folder "
                "as evaluate_on"
            )
    lacking = {other: [name for name in labelled[first] if name not in labelled[other]] for other in others}
    return [f"{other} has no image of {_some(names)}" for other, names in lacking.items() if names]


def _passed_over(listing: Listing, below: str = "") -> str:
    entries = [entry for entry in listing.passed_over if any(name.startswith(below) for name in entry.examples)]
    return f"; passed over: {'; '.join(map(str, entries))}" if entries else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (", …" if len(names) > 4 else "")
