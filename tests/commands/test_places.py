from pathlib import Path

import pytest

from csl.commands.places import entries, unreadable, written

TEXT = """trainer:
  callbacks:
  - class_path: A
    init_args: {size: 1}
  - class_path: B
    init_args:
      size: 2
      on: true
data: part.yaml
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(TEXT)
    Path("part.yaml").write_text("batch_size: 8\n")
    return tmp_path


def test_a_value_tells_apart_two_objects_of_one_list(folder: Path) -> None:
    line = ["--config", "a.yaml"]
    assert written(line, "trainer.callbacks.size", 2) == "a.yaml, line 7: trainer.callbacks.size"
    assert written(line, "trainer.callbacks.size", 1) == "a.yaml, line 4: trainer.callbacks.size"
    assert written(line, "trainer.callbacks", "B") == "a.yaml, line 5: trainer.callbacks"
    assert written(line, "trainer.callbacks.on", True) == "a.yaml, line 8: trainer.callbacks.on"


def test_the_line_wins_over_a_file_and_a_later_file_over_an_earlier_one(folder: Path) -> None:
    line = ["--config=a.yaml", "--data.batch_size=abc"]
    assert written(line, "data.batch_size", "abc") == "--data.batch_size"
    assert written(line, "data.batch_size", 8) == "part.yaml, line 1: data.batch_size"
    Path("b.yaml").write_text("\ndata:\n  batch_size: 8\n")
    assert written(["-c", "a.yaml", "-c", "b.yaml"], "data.batch_size") == "b.yaml, line 3: data.batch_size"


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: !!python/object:os.system []\n", b"a: [1\n"])
def test_what_is_no_configuration_has_no_options_and_runs_nothing(folder: Path, content: bytes) -> None:
    Path("c.yaml").write_bytes(content)
    assert [entry.value for entry in entries(Path("c.yaml"))] in ([], [None])


def test_a_good_file_is_readable(folder: Path) -> None:
    assert unreadable(Path("a.yaml")) == ""
    Path("c.yaml").write_bytes(b"\xff\xfe\x00")
    assert unreadable(Path("c.yaml")) == "c.yaml: not a text file"
