import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from csl.data.row_groups import RowGroups


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = []
    for number, count in enumerate((5, 40, 1)):
        path = tmp_path / f"{number}.parquet"
        pq.write_table(pa.table({"a": [f"{number}/{row}" for row in range(count)]}), path, row_group_size=2)
        paths.append(str(path))
    return paths


EXPECTED = [f"{number}/{row}" for number, count in enumerate((5, 40, 1)) for row in range(count)]


def count_reads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    reads: list[tuple[str, int]] = []
    read = RowGroups._read

    def counted(self: RowGroups, file: str, group: int) -> Any:
        reads.append((file, group))
        return read(self, file, group)

    monkeypatch.setattr(RowGroups, "_read", counted)
    return reads


def test_rows_of_all_files_in_order(files: list[str]) -> None:
    rows = RowGroups(files, "a")
    assert [rows[row] for row in range(len(rows))] == EXPECTED
    assert [rows[row] for row in reversed(range(len(rows)))] == EXPECTED[::-1]


def test_a_pass_in_order_reads_each_group_once_and_keeps_few(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    rows = RowGroups(files, "a")
    assert [rows[row] for row in range(len(rows))] == EXPECTED
    assert len(reads) == len(set(reads)) == 3 + 20 + 1
    assert len(rows._kept) == 8


def test_held_rows_are_read_once_for_any_order(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    reads = count_reads(monkeypatch)
    rows = RowGroups(files, "a").held()
    assert len(reads) == 24
    assert [rows[row] for row in (45, 0, 20, 3, 44, 0)] == [EXPECTED[row] for row in (45, 0, 20, 3, 44, 0)]
    assert len(reads) == 24


def test_rows_travel_to_other_processes(files: list[str]) -> None:
    rows = pickle.loads(pickle.dumps(RowGroups(files, "a")))
    assert rows[6] == "1/1"


def test_errors_name_the_file(tmp_path: Path, files: list[str]) -> None:
    with pytest.raises(ValueError, match="no column 'b', only a"):
        RowGroups(files, "b")
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 nothing")
    with pytest.raises(ValueError, match=r"broken\.parquet: not a Parquet file"):
        RowGroups([str(broken)], "a")
