"""The `csl` program: reads the name of a command and leaves the rest of the line to it."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from csl.version import __version__


class Command(NamedTuple):
    """A command of the program.

    Attributes:
        module: The module under `csl.commands` whose `run(name, arguments)` carries it out.
        summary: One line for `csl --help`.
    """

    module: str
    summary: str


COMMANDS = {
    "fit": Command("training", "train an encoder and measure how it organizes images, epoch by epoch"),
    "validate": Command("training", "measure everything again for a checkpoint, on the validation images"),
    "test": Command("training", "measure everything for a checkpoint on the source's third split"),
    "predict": Command("training", "write features, labels and indices to a file"),
    "analyze": Command("analyze", "measure how features from any file are organized, without training"),
    "compare": Command("compare", "put several encoders side by side, in one page that can be sent"),
    "map": Command("map", "draw maps of encoders, side by side, and say how far each can be trusted"),
    "neighbors": Command("neighbors", "look at nearest neighbours: agreement, galleries, likely wrong labels"),
    "overlap": Command("overlap", "count how often augmentations of two images coincide"),
    "shapes": Command("shapes", "what local and global density mean, on points in the plane"),
    "sweep": Command("sweep", "measure every kept checkpoint of a run, and say which epoch to take"),
}

HELP = f"""csl {__version__}: train contrastive and supervised image encoders and see how each one organizes images

usage: csl COMMAND [OPTIONS]        csl COMMAND --help for its options

{{commands}}

Examples
  csl fit                                                        SimCLR on handwritten digits, every monitor on
  csl fit --config FILE --model BYOL                             an experiment from its file, with another method
  csl fit --model MoCo --data.source Folder --data.source.root DIR
  csl fit --model my_file.MyMethod                               a method of your own, from the current folder
  csl fit --trainer.devices 2 --trainer.strategy ddp             two processes, the same global batch
  csl fit --resume lightning_logs/simclr-digits/version_0        go on where a run was interrupted
  csl validate lightning_logs/simclr-digits/version_0            measure a run again; --data.source ... on other images
  csl sweep lightning_logs/simclr-digits/version_0               which epoch to take, and what it would cost
  csl compare RUN RUN features.npz --output compare.html         several encoders in one page that can be sent
  csl map lightning_logs/simclr-digits/version_0 --output map    where images lie, and how far the map can be trusted
  csl neighbors lightning_logs/simclr-digits/version_0           which images have odd neighbours, or wrong labels
  csl analyze features.npz                                       features from anywhere, the whole panel

A configuration is code: it may name any importable class. Checkpoints and feature files are data and never run code.
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; ends the process with status 2 where the line makes no sense."""
    line = list(sys.argv[1:] if arguments is None else arguments)
    if line[:1] == ["help"]:
        line = [*line[1:], "--help"]
    if not line or line[0] in ("-h", "--help"):
        print(help_text())
        return
    if line[0] in ("-V", "--version"):
        print(version_text())
        return
    name, *rest = line
    if name not in COMMANDS:
        from csl.commands.suggest import did_you_mean

        print(f"csl: error: unknown command {name!r}{did_you_mean(name, COMMANDS, len(COMMANDS))}", file=sys.stderr)
        sys.exit(2)
    # A console script does not look for modules in the current folder; a user's own method lives there.
    sys.path.insert(0, os.getcwd())
    importlib.import_module(f"csl.commands.{COMMANDS[name].module}").run(name, rest)


def version_text() -> str:
    """What `csl --version` prints: the versions that a result depends on, and the devices that were found."""
    import platform
    from importlib.metadata import version

    import torch

    system = f"Python {platform.python_version()}, torch {torch.__version__}, lightning {version('lightning')}"
    gpus = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    devices = ", ".join([*gpus, f"{torch.get_num_threads()} threads on {platform.processor() or platform.machine()}"])
    return f"csl {__version__}\n{system}\n{devices}"


def help_text() -> str:
    """The page that `csl --help` prints."""
    width = max(map(len, COMMANDS))
    return HELP.format(commands="\n".join(f"  {name:<{width}}  {c.summary}" for name, c in COMMANDS.items()))
