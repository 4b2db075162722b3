"""Features in many files: a folder in which each file holds some rows of one set, written in any order."""

import re
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"rows-(\d{10})-(\d{10})-of-(\d{10})\.(npz|safetensors|parquet)")


class Shard(NamedTuple):
    """A file that holds some rows of a set.

    Attributes:
        start: The first of them.
        stop: The one behind the last.
        total: How many rows the set has.
        ending: How the file's name ends, such as `.npz`.
    """

    start: int
    stop: int
    total: int
    ending: str

    @property
    def name(self) -> str:
        """The file's name.

        Example:
            >>> Shard(0, 50_000, 1_281_167, ".npz").name
            'rows-0000000000-0000050000-of-0001281167.npz'
        """
        return f"rows-{self.start:010}-{self.stop:010}-of-{self.total:010}{self.ending}"


def shards_in(folder: str | Path) -> list[Shard]:
    """The shards that lie in a folder, in the order of their rows; files under other names are passed over.

    Raises:
        ValueError: If two of them hold the same row, or belong to sets of different sizes.
    """
    found = [NAME.fullmatch(path.name) for path in Path(folder).iterdir()] if Path(folder).is_dir() else []
    shards = sorted(Shard(int(m[1]), int(m[2]), int(m[3]), f".{m[4]}") for m in found if m)
    for before, after in pairwise(shards):
        if before.stop > after.start or before.total != after.total:
            raise ValueError(
                f"{folder}: expected the shards of one set, each row in one of them, got {before.name} and {after.name}"
            )
    return shards


def gaps(shards: list[Shard], total: int) -> list[range]:
    """The rows of a set that no shard holds, in order.

    Example:
        >>> gaps([Shard(0, 2, 10, ".npz"), Shard(4, 10, 10, ".npz")], 10)
        [range(2, 4)]
    """
    starts, stops = [0, *(shard.stop for shard in shards)], [*(shard.start for shard in shards), total]
    return [range(start, stop) for start, stop in zip(starts, stops, strict=True) if start < stop]
