"""Which files of a folder are images, and what is passed over on the way."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from csl.data.decode import is_image
from csl.data.record import PassedOver, Tally
from csl.data.set_names import is_hidden

_COPIES = ("~", ".bak", ".orig", ".tmp", ".part", ".partial", ".crdownload", ".download", ".swp")
_OTHER_IMAGES = (".heic", ".heif", ".jxl", ".psd", ".svg", ".tga", ".dcm", ".dng", ".cr2", ".nef", ".arw", ".exr")
_PLAIN_SUFFIX = re.compile(r"\.(?=.*[a-z])[a-z0-9]{1,6}")

HIDDEN = "hidden or left behind by a system"
COPIES = "backup copies or unfinished downloads"
AGAIN = "links to what is read anyway"


class Listing(NamedTuple):
    """What a folder holds.

    Attributes:
        files: The image files in it and below it, as paths from there, sorted.
        folders: The names of the folders in it, sorted, whether there are images in them or not.
        passed_over: What was not taken, and why.
    """

    files: list[str]
    folders: list[str]
    passed_over: tuple[PassedOver, ...] = ()


def scan(folder: Path, looked_into: list[str]) -> Listing:
    """Find the image files in a folder and below.

    Links are followed, to files and to folders, but not to what is found without them: no folder is entered twice, a
    link back into the folder (other than into a hidden store there) or to a file that is listed is passed over, and so
    no image gets into the class of another.

    Args:
        folder: The folder.
        looked_into: Gets the path of every folder that was entered.

    Raises:
        ValueError: If a folder cannot be listed.
    """
    walk = _Walk(os.path.realpath(folder), looked_into)
    folders = walk.enter(str(folder), walk.root, "")
    walk.resolve_links(str(folder))
    return Listing(sorted(walk.files), folders, walk.tally.entries())


def listed(folder: str | Path) -> list["os.DirEntry[str]"]:
    """What is directly in a folder, by name.

    Raises:
        ValueError: If it cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ValueError(f"root: cannot look into {str(folder)!r}: {error.strerror}") from error


class _Walk:
    def __init__(self, root: str, looked_into: list[str]) -> None:
        self.root, self.looked_into = root, looked_into
        self.tally = Tally()
        self.files: list[str] = []
        self._links: list[str] = []
        self._real: dict[str, str] = {}  # where a folder really is, by its place in the root
        self._entered: set[str] = set()

    def enter(self, path: str, real: str, inside: str) -> list[str]:
        """Take the images of a folder that lies at `inside`; the names of the folders in it."""
        self._real[inside] = real
        self._entered.add(real)
        self.looked_into.append(path)
        folders = []
        for entry in listed(path):
            name = inside + entry.name
            if is_hidden(entry.name):
                self.tally.add(HIDDEN, name)
            elif entry.is_dir():
                folders += self._follow(entry, f"{real}{os.sep}{entry.name}", name)
            elif reason := _why_not(entry):
                self.tally.add(reason, name)
            else:
                (self._links if entry.is_symlink() else self.files).append(name)
        return folders

    def _follow(self, entry: "os.DirEntry[str]", real: str, name: str) -> list[str]:
        real = os.path.realpath(entry.path) if entry.is_symlink() else real
        if real in self._entered or (entry.is_symlink() and self._is_read_anyway(real)):
            self.tally.add(AGAIN, name)
            return []
        self.enter(entry.path, real, name + "/")
        return [entry.name]

    def _is_read_anyway(self, real: str) -> bool:
        """Whether a folder is the root, is around it, or is below it and not in a hidden store."""
        if f"{self.root}{os.sep}".startswith(real.rstrip(os.sep) + os.sep):
            return True
        below = real.removeprefix(self.root + os.sep)
        return below != real and not any(map(is_hidden, below.split(os.sep)))

    def resolve_links(self, folder: str) -> None:
        """Take the links whose target no other file is."""
        if not self._links:
            return
        taken = {self._identity(name) for name in self.files}
        for name in self._links:
            real = os.path.realpath(os.path.join(folder, name))
            if real in taken:
                self.tally.add(AGAIN, name)
            else:
                taken.add(real)
                self.files.append(name)

    def _identity(self, name: str) -> str:
        inside, _, last = name.rpartition("/")
        return f"{self._real[inside + '/' if inside else '']}{os.sep}{last}"


def _why_not(entry: "os.DirEntry[str]") -> str | None:
    """Why a file is no image to read; None if it is one."""
    suffix = os.path.splitext(entry.name)[1].lower()
    if entry.name.lower().endswith(_COPIES):
        return COPIES
    # A pipe would be waited for; a link to nothing is an image that cannot be read.
    if (entry.is_file() or not os.path.exists(entry.path)) and is_image(entry.path):
        return None
    if suffix in _OTHER_IMAGES:
        return f"{suffix} images (cannot be read; convert them, for example to PNG)"
    return f"{suffix} files" if _PLAIN_SUFFIX.fullmatch(suffix) else "other files"
