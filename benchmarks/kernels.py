"""What a training step launches and where its time goes: SimCLR's step and its augmentation under the profiler.

On a CPU the operators count that would each be a kernel on a GPU: those that compute, not those that give another view
of the same memory.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import report
from benchmarks.step import ours, training_step
from benchmarks.synthetic import Synthetic
from benchmarks.timing import finish
from csl.commands.precision import automatic_precision
from csl.data import ImageDataModule
from csl.encoders import ResNet
from csl.table import Table

TOP = 12
VIEWS = {"view", "expand", "permute", "transpose", "t", "slice", "select", "unsqueeze", "squeeze", "as_strided"}
VIEWS |= {"detach", "alias", "empty", "empty_like", "empty_strided", "new_empty", "unbind", "split", "_unsafe_view"}
VIEWS |= {"_reshape_alias", "resolve_conj", "resolve_neg", "lift_fresh", "result_type", "unfold", "split_with_sizes"}


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=18, help="of the ResNet")
    parser.add_argument("--width", type=int, default=64, help="of the ResNet's first stage")
    parser.add_argument("--batch", type=int, default=512, help="images in a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()
    device = torch.device(args.device)
    precision, _ = automatic_precision(device.type)
    views = ours(ImageDataModule(Synthetic(3 * args.batch), batch_size=args.batch), device, precision)
    step = training_step(ResNet(depth=args.depth, width=args.width), device, precision)
    drawn = next(views)
    step(drawn)
    parts = {
        "augmentation and transfer": profiled(lambda: next(views), device),
        "network, loss and optimizer": profiled(lambda: step(drawn), device),
    }
    counts = Table(
        ["", "kernels", "milliseconds"],
        [[name, str(sum(e[1] for e in found)), f"{sum(e[2] for e in found):.1f}"] for name, found in parts.items()],
    ).markdown()
    tops = "\n\n".join(f"## {name}\n\n{longest(found)}" for name, found in parts.items())
    report(
        f"kernels_{device.type}",
        f"Kernels of SimCLR's step, ResNet-{args.depth} of width {args.width}, batch {args.batch}, {precision}",
        "python -m benchmarks.kernels " + " ".join(f"--{name} {value}" for name, value in vars(args).items()),
        f"{counts}\n\n{tops}",
    )


def profiled(work: Callable[[], Any], device: torch.device) -> list[tuple[str, int, float]]:
    """Name, calls and milliseconds of each kernel, the longest first."""
    gpu = device.type == "cuda"
    with profile(activities=[ProfilerActivity.CUDA if gpu else ProfilerActivity.CPU], acc_events=True) as seen:
        work()
        finish(device)
    found = []
    for event in seen.key_averages():
        microseconds = event.self_device_time_total if gpu else event.self_cpu_time_total
        if gpu or (event.key.startswith("aten::") and event.key.removeprefix("aten::") not in VIEWS and leaf(event)):
            found.append((event.key[:70], event.count, microseconds / 1e3))
    return sorted((entry for entry in found if entry[2] > 0), key=lambda entry: -entry[2])


def leaf(event: Any) -> bool:
    """Whether an operator computes by itself rather than by calling others."""
    return bool(event.self_cpu_time_total > 0.5 * event.cpu_time_total)


def longest(found: list[tuple[str, int, float]]) -> str:
    """The kernels that take most of the time."""
    total = sum(entry[2] for entry in found)
    rows = [[name, str(calls), f"{spent:.2f}", f"{spent / total:.0%}"] for name, calls, spent in found[:TOP]]
    return Table(["kernel", "calls", "milliseconds", "share"], rows).markdown()


if __name__ == "__main__":
    main()
