"""Whether bfloat16 pays on this processor: SimCLR's step of the configurations' networks, both precisions in turns."""

import argparse
from collections.abc import Callable
from functools import partial

import torch

from benchmarks.machine import report
from benchmarks.step import consumer, in_memory, training_step
from benchmarks.timing import CPU, Rate, rates
from csl.commands.precision import cpu_has_amx
from csl.encoders import ConvNet, Encoder, ResNet, ViT
from csl.table import Table

NETWORKS: dict[str, tuple[Callable[[], Encoder], tuple[int, int]]] = {
    "configs/digits": (partial(ConvNet, in_channels=1), (1, 8)),
    "configs/cifar10/cpu": (partial(ResNet, depth=10, width=16), (3, 32)),
    "configs/cifar10": (partial(ResNet, depth=18), (3, 32)),
    "configs/mnist/vit": (
        partial(ViT, patch_size=4, depth=4, heads=2, width=64, mlp_width=128, image_size=28, in_channels=1),
        (1, 28),
    ),
}
PRECISIONS = ("32-true", "bf16-mixed")


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--batch", type=int, default=128, help="images in a step")
    parser.add_argument("--threads", type=int, default=1, help="of the process")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each one works in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds there are")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    rows = [row(name, measured(name, args)) for name in NETWORKS]
    report(
        "cpu_precision",
        f"SimCLR's step in float32 and in bfloat16, batch {args.batch}",
        "python -m benchmarks.cpu_precision " + " ".join(f"--{name} {value}" for name, value in vars(args).items()),
        f"{torch.backends.cpu.get_cpu_capability()}, {'with' if cpu_has_amx() else 'without'} AMX; images a second on "
        f"views that are there already, median of {args.rounds} rounds (slowest to fastest).\n\n"
        + Table(["network of", "parameters", "float32", "bfloat16", "bfloat16 / float32"], rows).markdown(),
    )


def encoder(name: str) -> Encoder:
    """The network of a folder of configurations."""
    return NETWORKS[name][0]()


def measured(name: str, args: argparse.Namespace) -> list[Rate]:
    """Images a second in each precision."""
    shape = NETWORKS[name][1]
    works = {
        precision: consumer(training_step(encoder(name), CPU, precision), in_memory(args.batch, shape, CPU))
        for precision in PRECISIONS
    }
    return list(rates(works, args.seconds, args.rounds).values())


def row(name: str, found: list[Rate]) -> list[str]:
    """One network."""
    size = sum(part.numel() for part in encoder(name).parameters())
    return [name, f"{size:,}", *map(str, found), f"{found[1].median / found[0].median:.2f}"]


if __name__ == "__main__":
    main()
