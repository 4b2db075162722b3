"""What the listing of a large set takes: a folder of hard links of one picture, and Parquet files of the same."""

import argparse
import io
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import torch
from PIL import Image

from benchmarks.machine import report
from csl.data import Folder, ImageSource, Parquet
from csl.table import Table

T = TypeVar("T")
IMAGENET = 1_281_167
IN_A_CLASS = 1_000
IN_A_FILE = 10_000  # rows of Parquet
IN_A_GROUP = 1_000


class Cost(NamedTuple):
    """What a source took: seconds, and MB at the peak."""

    first: float
    second: float
    sets: float
    memory: float


NAMES = (
    *("first listing, seconds", "listing that was kept or again, seconds"),
    *("making the sets of it, seconds", "memory that all of it takes at its peak, MB"),
)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="how many images")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CSL_CACHE"] = f"{folder}/cache"
        linked(Path(folder) / "images", args.files)
        in_parquet(Path(folder) / "parquet", args.files)
        time.sleep(3)  # a listing of folders that have just changed is not kept
        found = {name: apart(listed, kind, Path(folder) / name) for name, kind in KINDS.items()}
    scale = IMAGENET / args.files
    rows = [
        [f"{name}: {what}", f"{value:.2f}", f"{value * scale:.0f}"]
        for name, cost in found.items()
        for what, value in zip(NAMES, cost, strict=True)
    ]
    report(
        "folder_index",
        f"Listing {args.files:,} images, in a folder and in Parquet files",
        f"python -m benchmarks.folder_index --files {args.files}",
        Table(["", f"{args.files:,}", f"in proportion: {IMAGENET:,}"], rows).markdown()
        + "\n\nA local disk whose directories are in memory already; a network drive takes longer to list. "
        f"Parquet files have {IN_A_FILE:,} rows each, in groups of {IN_A_GROUP:,}; "
        "their memory counts what pyarrow takes for itself.",
    )


KINDS: dict[str, Callable[[str], ImageSource]] = {"images": Folder, "parquet": Parquet}


def linked(root: Path, files: int) -> None:
    """Make the folder."""
    for number in range(files):
        place = root / f"n{number // IN_A_CLASS:08}"
        if number % IN_A_CLASS == 0:  # a file has 65,000 names at most on some drives
            place.mkdir(parents=True)
            (first := place / f"{place.name}_{number:07}.jpg").write_bytes(picture())
        else:
            os.link(first, place / f"{place.name}_{number:07}.jpg")


def in_parquet(root: Path, rows: int) -> None:
    """Make the Parquet files, as the Hugging Face Hub has them."""
    root.mkdir()
    image = {"bytes": picture(), "path": None}
    starts = range(0, rows, IN_A_FILE)
    for number, start in enumerate(starts):
        labels = [row // IN_A_CLASS for row in range(start, min(rows, start + IN_A_FILE))]
        table = pa.table({"image": [image] * len(labels), "label": labels})
        name = f"train-{number:05}-of-{len(starts):05}.parquet"
        pq.write_table(table, root / name, row_group_size=IN_A_GROUP, use_dictionary=False)


def picture() -> bytes:
    """A small JPEG file."""
    pixels = torch.randint(256, (64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    Image.fromarray(pixels.numpy()).save(buffer := io.BytesIO(), "JPEG")
    return buffer.getvalue()


def apart(work: Callable[..., Cost], *arguments: object) -> Cost:
    """What a function finds in a process of its own, whose peak of memory is nobody else's."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(work, *arguments).result()


def listed(kind: Callable[[str], ImageSource], root: Path) -> Cost:
    """List a set twice, and make its sets."""
    before = memory()
    first, source = timed(lambda: kind(str(root)))
    second, _ = timed(lambda: kind(str(root)))
    sets, _ = timed(source.load)
    return Cost(first, second, sets, memory() - before)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def memory() -> float:
    """The peak of the process so far, in MB; Linux's other count of it is handed down from parent to child."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


if __name__ == "__main__":
    main()
