"""Whether an encoder should take both views of a step in one batch, batch norm by view, so that the numbers stay.

Each view has its own batch statistics in SimCLR, BYOL and MoCo; one batch of both would mix them. Where batch norm
takes the halves of a batch apart and puts them together again, all else is launched once instead of twice.
"""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.kernels import profiled
from benchmarks.machine import report
from benchmarks.timing import finish, rates
from csl.encoders import ResNet
from csl.table import Table


class BatchNormByView(nn.BatchNorm2d):
    """Batch norm of each half of a batch by itself."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise `[2N, C, H, W]`, the first view's samples first."""
        return torch.cat([super(BatchNormByView, self).forward(view) for view in input.chunk(2)])


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=18, help="of the ResNet")
    parser.add_argument("--width", type=int, default=64, help="of the ResNet's first stage")
    parser.add_argument("--batch", type=int, default=512, help="images in a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each one works in a round")
    parser.add_argument("--rounds", type=int, default=5, help="how many rounds there are")
    args = parser.parse_args()
    device = torch.device(args.device)
    passes = {"one after the other": apart(args, device), "in one batch, batch norm by view": together(args, device)}
    found = rates({name: counted(work, args.batch, device) for name, work in passes.items()}, args.seconds, args.rounds)
    launches = {name: sum(entry[1] for entry in profiled(work, device)) for name, work in passes.items()}
    rows = [[name, str(launches[name]), str(found[name])] for name in passes]
    options = " ".join(f"--{name} {value}" for name, value in vars(args).items())
    report(
        f"views_in_one_batch_{device.type}",
        f"Both views through a ResNet-{args.depth} of width {args.width}, forward and backward, batch {args.batch}",
        f"python -m benchmarks.views_in_one_batch {options}",
        Table(["views", "kernels", "images/s"], rows).markdown() + f"\n\nMedian of {args.rounds} rounds (slowest to "
        "fastest), bfloat16. On a CPU the operators count that would each be a kernel on a GPU.",
    )


def apart(args: argparse.Namespace, device: torch.device) -> Callable[[], None]:
    """A pass for each view, as csl's methods do it."""
    network = ResNet(depth=args.depth, width=args.width)
    return training(network, lambda first, second: (network(first), network(second)), args.batch, device)


def together(args: argparse.Namespace, device: torch.device) -> Callable[[], None]:
    """One pass for both."""
    network = ResNet(depth=args.depth, width=args.width)
    by_view(network)
    return training(network, lambda first, second: network(torch.cat([first, second])).chunk(2), args.batch, device)


def by_view(network: nn.Module) -> None:
    """Put batch norm by view in the place of batch norm."""
    for name, part in network.named_children():
        if isinstance(part, nn.BatchNorm2d):
            setattr(network, name, BatchNormByView(part.num_features))
        else:
            by_view(part)


def training(
    network: nn.Module, outputs: Callable[[Tensor, Tensor], tuple[Tensor, ...]], batch: int, device: torch.device
) -> Callable[[], None]:
    """Forward and backward through a network, of two views that are there already."""
    network.train().to(device).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)
    first, second = (
        torch.rand(batch, 3, 32, 32, generator=generator).to(device, memory_format=torch.channels_last)
        for _ in range(2)
    )

    def work() -> None:
        network.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16):
            one, other = outputs(first, second)
            loss = (one - other).square().sum()
        loss.backward()  # type: ignore[no-untyped-call]

    return work


def counted(work: Callable[[], None], images: int, device: torch.device) -> Callable[[], int]:
    """The work, with how many images it took."""

    def count() -> int:
        work()
        finish(device)
        return images

    return count


if __name__ == "__main__":
    main()
