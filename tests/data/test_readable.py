"""Images that cannot be read: refused by name, or left out, counted and listed."""

import io
import logging
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from csl.data import Folder, ImageDataModule, Parquet
from tests.data.test_folder import classes
from tests.two_processes import TwoProcesses


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def noise(size: int = 64) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8))


def png_header(width: int, height: int) -> bytes:
    """A PNG that says to be so large; nobody should go on to look for its pixels."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(99)))]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


BAD: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"not an image at all",
    "truncated png": lambda: encoded(noise())[:5000],
    "truncated jpeg": lambda: encoded(noise(), "JPEG")[:1500],
    "corrupt": lambda: encoded(noise())[:300] + bytes(200) + encoded(noise())[500:],
    "float": lambda: encoded(Image.fromarray(np.zeros((4, 4), dtype=np.float32)), "TIFF"),
    "bomb": lambda: png_header(30_000, 30_000),
}
GOOD: dict[str, Callable[[], bytes]] = {
    "1x1": lambda: encoded(Image.new("RGB", (1, 1), "red")),
    "16 bit": lambda: encoded(Image.fromarray(np.full((9, 9), 40_000, dtype=np.uint16))),
    "cmyk": lambda: encoded(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "JPEG"),
    "animated": lambda: encoded(
        Image.new("RGB", (9, 9), "red"), "GIF", save_all=True, append_images=[Image.new("RGB", (9, 9), "blue")]
    ),
    "30,000 pixels wide": lambda: encoded(Image.new("L", (30_000, 3), 200)),
    "palette with transparency": lambda: encoded(Image.new("P", (9, 9)), transparency=b"\0"),
}
pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")


def folder_with(root: Path, contents: dict[str, Callable[[], bytes]]) -> Path:
    """Two classes of five good images, and these among those of the first."""
    classes(root, {"a": 5, "b": 5})
    for name, content in contents.items():
        (root / "a" / f"{name}.png").write_bytes(content())
    return root


def set_up(source: Folder | Parquet) -> ImageDataModule:
    data = ImageDataModule(source, batch_size=4, image_size=12)
    data.setup("fit")
    return data


@pytest.mark.parametrize("name", BAD)
def test_by_default_a_bad_image_is_an_error_before_training(tmp_path: Path, name: str) -> None:
    root = folder_with(tmp_path, {name: BAD[name]})
    with pytest.raises(ValueError, match=rf"cannot decode image .*{name}\.png: .+; repair or remove it"):
        set_up(Folder(root))


@pytest.mark.parametrize("policy", ["error", "skip"])
def test_unusual_images_are_no_bad_images(tmp_path: Path, policy: Any, caplog: pytest.LogCaptureFixture) -> None:
    root = folder_with(tmp_path, GOOD)
    with caplog.at_level(logging.INFO):
        data = set_up(Folder(root, on_bad_image=policy))
    assert len(data.splits.train) + len(data.splits.val) == 10 + len(GOOD)
    assert "left out" not in caplog.text


def test_skipped_images_are_counted_and_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = folder_with(tmp_path, BAD)
    (root / "b" / "gone.png").symlink_to(tmp_path / "nothing")
    with caplog.at_level(logging.INFO):
        data = set_up(Folder(root, on_bad_image="skip"))
    assert len(data.splits.train) + len(data.splits.val) == 10
    (message,) = [text for text in caplog.messages if "left out (on_bad_image: skip)" in text]
    assert f"{len(BAD) + 1} of {10 + len(BAD) + 1} images cannot be read" in message
    for name in [*BAD, "gone"]:
        assert f"{name}.png: " in message
    assert "decompression bomb" in message


def test_a_long_list_is_cut_but_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = folder_with(tmp_path, {f"x{i}": BAD["empty"] for i in range(120)})
    with caplog.at_level(logging.INFO):
        set_up(Folder(root, on_bad_image="skip"))
    (message,) = [text for text in caplog.messages if "left out" in text]
    assert "120 of 130 images" in message
    assert message.endswith("and 20 more")
    assert message.count("cannot decode image") == 100


def test_a_class_of_which_nothing_is_left_is_an_error(tmp_path: Path) -> None:
    root = classes(tmp_path, {"a": 5, "b": 5})
    for file in (root / "b").iterdir():
        file.write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"no image of class number 1 can be read; the first: cannot decode image .*b/0"
    ):
        set_up(Folder(root, on_bad_image="skip"))


def test_a_folder_without_any_readable_image_is_an_error(tmp_path: Path) -> None:
    root = classes(tmp_path, {"a": 2, "b": 2})
    for file in root.rglob("*.png"):
        file.write_bytes(b"")
    with pytest.raises(ValueError, match=r"none of the images looked at in .* can be read"):
        Folder(root, on_bad_image="skip")


def test_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="on_bad_image: expected 'error' or 'skip', got 'ignore'"):
        Folder(classes(tmp_path, {"a": 2, "b": 2}), on_bad_image="ignore")  # type: ignore[arg-type]


def parquet(path: Path, images: list[Any]) -> Path:
    pq.write_table(pa.table({"image": images, "label": [i % 2 for i in range(len(images))]}), path)
    return path


def test_rows_of_a_parquet_file_follow_the_same_policy(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    good = encoded(noise(12))
    path = parquet(tmp_path / "x.parquet", [b"", good, good, good, good, None, good, b"no image", good, good])
    with pytest.raises(ValueError, match=r"cannot decode image .*x\.parquet row 0"):
        Parquet(str(path))
    with caplog.at_level(logging.INFO):
        data = set_up(Parquet(str(path), on_bad_image="skip", holdout=0.3))
    assert len(data.splits.train) + len(data.splits.val) == 7
    (message,) = [text for text in caplog.messages if "left out" in text]
    for row in (0, 5, 7):
        assert f"row {row}:" in message


def _sizes(root: str, damaged: str) -> tuple[int, list[int]]:
    """The sets as a process sees them that may find other files damaged than its neighbour does."""
    import torch.distributed as dist

    from csl.data import readable

    if dist.get_rank() == 1:
        original = readable._fault

        def fault(images: Any, position: Any) -> str | None:
            return "cannot read it here" if images.name(int(position)).endswith(damaged) else original(images, position)

        readable._fault = fault
    try:
        data = set_up(Folder(root, on_bad_image="skip"))
        return data.num_train, data.splits.train.labels.tolist()
    finally:
        if dist.get_rank() == 1:
            readable._fault = original


def test_all_processes_leave_out_the_same(tmp_path: Path, two_processes: TwoProcesses) -> None:
    root = folder_with(tmp_path, {"empty": BAD["empty"]})
    first, second = two_processes(_sizes, str(root), "b/003.png")
    assert first == second
    assert first[0] == 9 - round(0.2 * 9)


@pytest.mark.parametrize("policy", ["error", "skip"])
def test_a_file_that_disappears_during_a_run_is_an_error_that_names_it(tmp_path: Path, policy: Any) -> None:
    root = classes(tmp_path, {"a": 5, "b": 5})
    data = ImageDataModule(Folder(root, on_bad_image=policy), batch_size=4, memory_budget=0.0, num_workers=0)
    data.setup("fit")
    loader = data.train_dataloader()
    for file in root.rglob("*.png"):
        file.unlink()
    with pytest.raises(ValueError, match=r"cannot decode image .*\.png: .*No such file"):
        next(iter(loader))


def test_folders_that_link_to_each_other_are_entered_once(tmp_path: Path) -> None:
    root = classes(tmp_path / "images", {"a": 3, "b": 3})
    (root / "a" / "again").symlink_to(root / "a")
    (root / "a" / "up").symlink_to(root)
    source = Folder(root, holdout=0.4)
    splits = source.load()
    assert source.class_names == ("a", "b")
    assert splits.train.labels.bincount().tolist()[1] + splits.val.labels.bincount().tolist()[1] == 3


def test_a_pipe_with_the_name_of_an_image_is_passed_over(tmp_path: Path) -> None:
    root = classes(tmp_path, {"a": 3, "b": 3})
    os.mkfifo(root / "a" / "pipe.png")
    assert len(set_up(Folder(root, holdout=0.4)).splits.train) == 4
