"""A column of Parquet files, read a row group at a time."""

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import pyarrow as pa

TOGETHER = 4  # row groups whose images are shuffled together
_KEPT = 2 * TOGETHER  # a batch may end one lot of them and begin the next; threads work on two or three


class RowGroups:
    """The rows of a column in several files, as one sequence.

    The row groups that were read last are kept, so that a pass in order, or in an order that stays within
    `TOGETHER` row groups for a while, reads each of them once and holds a few; `held` reads all of them for good, for
    rows that are asked for in any order.

    Args:
        files: The files, in order.
        column: The column's name.

    Attributes:
        num_bytes: Of the column in memory.

    Raises:
        ValueError: If a file cannot be read or has no such column; names it.

    Example:
        >>> import pyarrow as pa, pyarrow.parquet as pq, tempfile
        >>> file = tempfile.NamedTemporaryFile(suffix=".parquet")
        >>> pq.write_table(pa.table({"label": [3, 1, 4, 1, 5]}), file.name, row_group_size=2)
        >>> rows = RowGroups([file.name], "label")
        >>> len(rows), rows[4]
        (5, 5)
    """

    def __init__(self, files: list[str], column: str) -> None:
        self.column = column
        self._groups: list[tuple[str, int]] = []
        self.num_bytes = 0
        sizes: list[int] = []
        for file in files:
            metadata = _metadata(file, column)
            self._groups += [(file, group) for group in range(metadata.num_row_groups)]
            sizes += [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
            self.num_bytes += _bytes_of(metadata, column)
        self._ends = list(accumulate(sizes))
        self._kept: OrderedDict[int, pa.ChunkedArray] = OrderedDict()
        self._limit = _KEPT
        self._lock = Lock()

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, row: int) -> Any:
        number = self.group_of(row)
        start = self._ends[number - 1] if number else 0
        return self._group(number)[row - start].as_py()

    def group_of(self, row: int) -> int:
        """The number of the row group that a row is in."""
        return bisect_right(self._ends, row)

    def file_of(self, row: int) -> str:
        """The file that a row is in."""
        return self._groups[self.group_of(row)][0]

    def __getstate__(self) -> dict[str, Any]:
        """Locks do not travel to other processes."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = Lock()

    def held(self) -> Self:
        """Itself, after all of it was read into memory, where processes that are forked later share it."""
        self._limit = len(self._groups)
        for number in range(len(self._groups)):
            self._group(number)
        return self

    def _group(self, number: int) -> "pa.ChunkedArray":
        with self._lock:
            if number in self._kept:
                self._kept.move_to_end(number)
                return self._kept[number]
            group = self._kept[number] = self._read(*self._groups[number])
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
            return group

    def _read(self, file: str, group: int) -> "pa.ChunkedArray":
        import pyarrow.parquet as pq

        with readable_file(file), pq.ParquetFile(file) as opened:
            return opened.read_row_group(group, [self.column]).column(self.column)


def _metadata(file: str, column: str) -> Any:
    import pyarrow.parquet as pq

    with readable_file(file):
        metadata = pq.read_metadata(file)
    names = metadata.schema.to_arrow_schema().names
    if column not in names:
        raise ValueError(f"{file}: no column {column!r}, only {', '.join(names)}")
    return metadata


def _bytes_of(metadata: Any, column: str) -> int:
    """What a column, with all its fields, takes."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    parts = [group.column(number) for group in groups for number in range(group.num_columns)]
    return sum(p.total_uncompressed_size for p in parts if p.path_in_schema.partition(".")[0] == column)


@contextmanager
def readable_file(name: str) -> Iterator[None]:
    """Say which file it was that could not be read.

    Raises:
        ValueError: With the file's name and the reason.
    """
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise ValueError(
            f"{name}: not a Parquet file, or a damaged one ({str(error).partition(chr(10))[0]})"
        ) from error
