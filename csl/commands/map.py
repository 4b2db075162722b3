"""`csl map`: where images lie, on maps that can be compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.signatures import Folder

if TYPE_CHECKING:
    from csl.study.outcome import Outcome


def map_(
    subjects: Sequence[Path],
    *,
    epochs: Sequence[int] = (),
    images: Literal["val", "train"] = "val",
    projections: Sequence[Literal["tsne", "pca", "umap"]] = ("tsne", "pca"),
    perplexities: Sequence[float] = (),
    max_samples: int = 5000,
    labels: Path | None = None,
    like: Path | None = None,
    output: Folder | None = None,
    parquet: Path | None = None,
    seed: int = 0,
    device: Device,
    bar: Bar,
) -> "Outcome":
    """Draw maps of encoders, side by side, and say how far each can be trusted.

    t-SNE shows neighbourhoods of one size, which the perplexity sets: 25 shows clumps of a few images, about N shows
    whether a class is one clump. Take several, since each alone can deceive: distances between clumps and their sizes
    mean nothing. Several runs, or several epochs of one, are drawn with the same images and colours, and each map
    starts from the one before, so that what moves has moved.

    Below each map: trustworthiness (1: neighbours on the map are neighbours in the features), continuity (1: neighbours
    in the features are neighbours on the map), and the share of the nearest neighbours that the map keeps.

    Args:
        subjects: folders of runs, checkpoints in them, or files of features
        epochs: of each folder; its last checkpoint if not given
        images: held-out images, or those that probes learn from
        projections: kinds of maps; umap needs pip install umap-learn
        perplexities: of t-SNE; 25, N/10 and about N if not given
        max_samples: at most so many images, each class in its proportion; a map that keeps all pairs takes 5,000
        labels: a file with the labels of files of features that have none
        like: where subjects are checkpoints that others trained, or folders of them: the folder of a run with such an
            encoder, on whose images they are looked at
        output: a folder for the picture and the tables
        parquet: a file of positions, neighbours, labels and images for open viewers, see below
        seed: of the sample and of the maps
        device: where to encode
        bar: how far the work is

    Examples:
        csl map lightning_logs/simclr-digits/version_0 --output map
        csl map lightning_logs/simclr-digits/version_0 --epochs 5 15 30 --output epochs
        csl map simclr.npz supervised.npz --perplexities 25 500 --output two
        csl map lightning_logs/simclr-digits/version_0 --parquet map.parquet
        uvx embedding-atlas map.parquet --x projection_x --y projection_y --neighbors neighbors --image image
    """
    from csl.checks import check_positive
    from csl.commands.names import use_short_names
    from csl.study.map_study import map_study
    from csl.study.subjects import read_subjects

    check_positive(max_samples=max_samples)
    use_short_names()
    with bar as watch:
        found = map_study(
            read_subjects(subjects, epochs, labels=labels, like=like, device=device, watch=watch),
            images,
            projections=projections,
            perplexities=perplexities,
            max_samples=max_samples,
            parquet=parquet,
            seed=seed,
            watch=watch,
        )
    return found.write(output)


run = command(map_)
