"""All that is to be measured on a GPU, in the order of its worth, within some minutes.

    python -m benchmarks.gpu --minutes 4
    python -m benchmarks.gpu --train SimCLR --epochs 60 --minutes 9    # a second call goes on; options of fit after it
    python -m benchmarks.gpu --train MoCo --epochs 60 --model.encoder ViT --model.encoder.image_size 32 \
        --model.encoder.patch_size 4 --model.encoder.depth 6 --model.encoder.heads 3 --model.encoder.width 192

Each step is a process of its own, which writes its table as soon as it has it; what no longer fits is skipped, and the
table of steps says so. Where the network is missing, `python -m benchmarks.pack` makes what must travel.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

import torch

from benchmarks.gpu_training import trained
from benchmarks.machine import report
from csl.table import Table

CUDA = ["--device", "cuda"]
TOY = ["--device", "cpu"]


class Step(NamedTuple):
    """One thing to measure.

    Attributes:
        name: What it is.
        seconds: What must be left for it to be begun.
        line: The module and its options.
        limit: Seconds after which it is cut off, so that the steps behind it are reached.
    """

    name: str
    seconds: float
    line: Sequence[str]
    limit: float = 60


STEPS = (
    Step(
        "tests on the GPU (make test-gpu)",
        60,
        ("pytest", "tests/devices", "-m", "", "-k", "cuda", "-n", "6", "--durations", "10"),
        limit=120,
    ),
    Step("RLD, kNN and graphs", 20, ("benchmarks.gpu_pairs", *CUDA)),
    Step("the monitors", 20, ("benchmarks.monitors", *CUDA)),
    Step("SimCLR's kernels", 20, ("benchmarks.kernels", *CUDA)),
    Step(
        "SimCLR's step",
        60,
        ("benchmarks.step", "--depth", "18", "--width", "64", "--batch", "512", "--rounds", "2", *CUDA),
        limit=120,
    ),
    Step("both views in one batch", 40, ("benchmarks.views_in_one_batch", "--rounds", "2", *CUDA)),
)
SMALL_NETWORK = ("--depth", "10", "--width", "8", "--batch", "8")
TOY_STEPS = (
    Step("one test", 0, ("pytest", "tests/devices/test_measures.py", "-k", "graph")),
    Step("pairs", 0, ("benchmarks.gpu_pairs", "--sizes", "60", "--dimension", "4", "--graph", "120", "60", *TOY)),
    Step("monitors", 0, ("benchmarks.monitors", "--train", "150", "--val", "60", "--dimension", "4", *TOY)),
    Step("kernels", 0, ("benchmarks.kernels", *SMALL_NETWORK, *TOY)),
    Step("views", 0, ("benchmarks.views_in_one_batch", *SMALL_NETWORK, "--seconds", "0.1", "--rounds", "1", *TOY)),
    Step(
        "step",
        0,
        (
            "benchmarks.step",
            *SMALL_NETWORK,
            *("--images", "320", "--workers", "0", "--seconds", "0.1", "--rounds", "1"),
            *TOY,
        ),
    ),
)


def main(line: Sequence[str] | None = None) -> None:
    """Measure, or train, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4.0, help="after which everything has ended")
    parser.add_argument("--train", metavar="METHOD", help="train on CIFAR-10 instead of measuring")
    parser.add_argument("--epochs", type=int, default=60, help="of the training")
    parser.add_argument("--images", default=".data/cifar10", help="CIFAR-10 as a folder, train/<class>/*")
    parser.add_argument("--toy", action="store_true", help="a trial on the CPU at toy size")
    args, options = parser.parse_known_args(line)
    end = time.monotonic() + 60 * args.minutes
    if args.train:
        trained(args.train, args.epochs, args.images, args.toy, options, end)
        return
    if options:
        parser.error(f"unknown options: {' '.join(options)}")
    if not (args.toy or torch.cuda.is_available()):
        parser.error("there is no GPU here; --toy tries everything on the CPU")
    run(TOY_STEPS if args.toy else STEPS, args.minutes, end)


def run(steps: Sequence[Step], minutes: float, end: float) -> None:
    """Take the steps one after the other and write what became of each."""
    rows: list[list[str]] = []
    for step in steps:
        start = time.monotonic()
        outcome = taken(step, end - start)
        rows.append([step.name, f"{time.monotonic() - start:.0f}", outcome])
        report(
            "gpu",
            f"What was measured in {minutes:g} minutes",
            f"python -m benchmarks.gpu --minutes {minutes:g}",
            Table(["step", "seconds", "outcome"], rows).markdown(),
        )


def taken(step: Step, left: float) -> str:
    """Run a step within the time that is left; what became of it, in a few words.

    Example:
        >>> taken(Step("too late", 20, ()), 12)
        'skipped: 12 s were left, 20 are needed'
    """
    if left < max(step.seconds, 1):
        return f"skipped: {max(left, 0):.0f} s were left, {max(step.seconds, 1):g} are needed"
    allowed = min(left, step.limit)
    try:
        done = subprocess.run(
            [sys.executable, "-m", *step.line], timeout=allowed, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired as cut:
        print(*(bytes(part or b"").decode() for part in (cut.stdout, cut.stderr)), sep="\n", flush=True)
        return f"cut off after {allowed:.0f} s; what its table holds was measured"
    print(done.stdout, done.stderr, sep="\n", flush=True)
    last = (done.stdout.strip() or done.stderr.strip() or "no output").splitlines()[-1]
    words = last.strip("= ").replace("|", "/")
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        return f"failed: {words if step.line[0] == 'pytest' else reason.replace('|', '/')}"
    return words if step.line[0] == "pytest" else "done"


if __name__ == "__main__":
    main()
