"""Pack what must travel to a machine with a GPU and without network: wheels that it lacks, and images.

    python -m benchmarks.pack --images cifar10-jpeg.tar.xz    # writes .carry/, which git ignores

There, in the repository:

    python -m pip install --no-index --no-deps .carry/*.whl && mkdir -p .data/cifar10
    tar -xJf .carry/cifar10-jpeg.tar.xz -C .data/cifar10 && PYTHONPATH=. python -m benchmarks.gpu --minutes 4
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

CARRY = Path(".carry")
LIMIT = 64 * 2**20
# What csl needs beside an image that holds torch, torchvision, lightning, torchmetrics, timm, scikit-learn, matplotlib,
# pyarrow, tensorboard, pytest and hypothesis.
LACKS = (
    "lightly>=1.6,<1.7",
    "jsonargparse>=4.53,<4.60",
    "typeshed-client",
    "docstring-parser>=0.16,<1",
    "openTSNE>=1.0.2,<2",
    "hydra-core",
    "omegaconf>=2.3,<2.4",
    "antlr4-python3-runtime==4.9.*",
)
GLIBC = (17, 24, 27, 28, 31, 34, 35)


def main() -> None:
    """Fetch, copy, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default="3.12", help="version there")
    parser.add_argument("--lacks", nargs="*", default=LACKS, help="packages to fetch as wheels")
    parser.add_argument("--images", type=Path, nargs="*", default=[], help="archives of images to take along")
    args = parser.parse_args()
    shutil.rmtree(CARRY, ignore_errors=True)
    CARRY.mkdir()
    for package in args.lacks:
        fetch(package, args.python)
    for archive in args.images:
        shutil.copy(archive, CARRY)
    print(summary([*CARRY.iterdir(), *tracked()]))


def fetch(package: str, python: str) -> None:
    """The wheel of a package for that machine, or one built here where there is none and it holds no machine code."""
    pip = [sys.executable, "-m", "pip"]
    platforms = [word for glibc in GLIBC for word in ("--platform", f"manylinux_2_{glibc}_x86_64")]
    there = ["--python-version", python, "--implementation", "cp", *platforms, "--platform", "manylinux2014_x86_64"]
    quiet = ["--quiet", "--no-deps", "--disable-pip-version-check"]
    fetched = subprocess.run(
        [*pip, "download", *quiet, "--only-binary", ":all:", *there, "--dest", str(CARRY), package],
        check=False,
        capture_output=True,
    )
    if fetched.returncode:
        subprocess.run([*pip, "wheel", *quiet, "--wheel-dir", str(CARRY), package], check=True)


def tracked() -> list[Path]:
    """The files of the repository itself."""
    listed = subprocess.run(["git", "ls-files"], check=True, capture_output=True, text=True).stdout
    return [Path(line) for line in listed.splitlines() if Path(line).is_file()]


def summary(files: Iterable[Path]) -> str:
    """How many files of how many MiB.

    Raises:
        SystemExit: If they are more than may travel.
    """
    sizes = [file.stat().st_size for file in files]
    text = f"{len(sizes)} files, {sum(sizes) / 2**20:.1f} of {LIMIT / 2**20:.0f} MiB"
    if sum(sizes) > LIMIT:
        raise SystemExit(f"{text}: too large to travel; leave images or wheels out")
    return text


if __name__ == "__main__":
    main()
