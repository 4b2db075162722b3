"""`csl neighbors`: what the neighbours of images say of encoders, and of single images."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.signatures import Folder

if TYPE_CHECKING:
    from csl.study.outcome import Outcome


def neighbors(
    subjects: Sequence[Path],
    *,
    epochs: Sequence[int] = (),
    images: Literal["train", "val"] = "train",
    samples: Sequence[int] = (),
    count: int = 8,
    pairs: int = 32,
    labels: Path | None = None,
    like: Path | None = None,
    output: Folder | None = None,
    seed: int = 0,
    device: Device,
    bar: Bar,
) -> "Outcome":
    """Look at the nearest neighbours of images: how many share the class, and which images stand out.

    Neighbour agreement is the share of the k nearest that have an image's class, for k from 1 to 1,000: high at small k
    where classes are locally dense, at k near a class's size only where a class is one clump. All encoders are in one
    plot. The rest is about the first of them:
      neighbors    images with their nearest, hits and misses marked
      pairs        the closest images of different classes, and their rank in the second encoder, if one is given
      scores       every image, those whose labels its 20 nearest doubt most first: likely wrong labels; loneliness is
                   high for outliers
      duplicates   held-out images closest to a training image: likely the same picture twice (--images train only)
    Cosines are used throughout. Galleries need images, so a run; of a file of features there are tables.

    Args:
        subjects: folders of runs, checkpoints in them, or files of features with labels
        epochs: of each folder; its last checkpoint if not given
        images: those that probes learn from, or held-out ones
        samples: images of the gallery, by their numbers; some at random if not given
        count: how many at random
        pairs: closest pairs of different classes, and duplicates, that are listed
        labels: a file with the labels of files of features that have none
        like: where subjects are checkpoints that others trained, or folders of them: the folder of a run with such an
            encoder, on whose images they are looked at
        output: a folder for pictures and tables
        seed: of the images at random
        device: where to encode
        bar: how far the work is

    Examples:
        csl neighbors lightning_logs/simclr-digits/version_0 --output neighbors
        csl neighbors lightning_logs/simclr-digits/version_0 --epochs 5 30 --samples 3 17 --output two
        csl neighbors simclr.npz supervised.npz --output features
    """
    from csl.checks import check_positive
    from csl.commands.names import use_short_names
    from csl.study.neighbor_study import neighbor_study
    from csl.study.subjects import read_subjects

    check_positive(count=count, pairs=pairs)
    use_short_names()
    with bar as watch:
        found = neighbor_study(
            read_subjects(subjects, epochs, labels=labels, like=like, device=device, watch=watch),
            images,
            samples=samples,
            count=count,
            pairs=pairs,
            seed=seed,
            watch=watch,
        )
    return found.write(output)


run = command(neighbors)
