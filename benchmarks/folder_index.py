"""What the listing of a large image folder takes: hard links of one picture, in classes of 1,000 as ImageNet's."""

import argparse
import os
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image

from benchmarks.machine import report
from csl.data import Folder
from csl.table import Table

IMAGENET = 1_281_167
IN_A_CLASS = 1_000


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000, help="how many images")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CSL_CACHE"] = f"{folder}/cache"
        root = Path(folder) / "images"
        linked(root, args.files)
        time.sleep(3)  # a listing of folders that have just changed is not kept
        before = memory()
        first, source = timed(lambda: Folder(root))
        second, _ = timed(lambda: Folder(root))
        sets, _ = timed(source.load)
        grown = memory() - before
    scale = IMAGENET / args.files
    rows = [
        [name, f"{value:.2f}", f"{value * scale:.0f}"]
        for name, value in (
            ("first listing, seconds", first),
            ("listing that was kept, seconds", second),
            ("making the sets of it, seconds", sets),
            ("memory that all of it takes at its peak, MB", grown),
        )
    ]
    report(
        "folder_index",
        f"Listing a folder of {args.files:,} images",
        f"python -m benchmarks.folder_index --files {args.files}",
        Table(["", f"{args.files:,}", f"in proportion: {IMAGENET:,}"], rows).markdown()
        + "\n\nA local disk whose directories are in memory already; a network drive takes longer to list.",
    )


def linked(root: Path, files: int) -> None:
    """Make the folder."""
    picture = Image.fromarray(torch.randint(256, (64, 64, 3), dtype=torch.uint8).numpy())
    for number in range(files):
        place = root / f"n{number // IN_A_CLASS:08}"
        if number % IN_A_CLASS == 0:  # a file has 65,000 names at most on some drives
            place.mkdir(parents=True)
            picture.save(first := place / f"{place.name}_{number:07}.jpg")
        else:
            os.link(first, place / f"{place.name}_{number:07}.jpg")


def timed(work: Callable[[], object]) -> tuple[float, Folder]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found  # type: ignore[return-value]


def memory() -> float:
    """The peak of the process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
