"""`csl overlap`: how often augmentations of two images coincide."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.signatures import Folder

if TYPE_CHECKING:
    from csl.study.outcome import Outcome


def overlap(
    where: str,
    *,
    root: Path | None = None,
    draws: int = 100_000,
    distances: Sequence[float] = (0.02, 0.05, 0.1),
    pairs: int = 100,
    confidence: float = 0.95,
    output: Folder | None = None,
    seed: int = 0,
    bar: Bar,
) -> "Outcome":
    """Count how often augmentations of two images coincide.

    A common explanation of contrastive learning is that augmentations of two images of a class coincide, so that the
    loss pulls the two images together through the view that they share (augmentation overlap: Wang et al., 2022, arXiv
    2203.13457). This command draws views of pairs of images and counts. If even the closest images of a class share no
    view, and are seldom near each other, shared views cannot be what gathers a class: then the encoder itself takes
    similar images for similar. Zhang, Lu and Xuan (2024, arXiv 2305.10229) saw none in 10^8 draws.

    How to read the table: the first row, one image with itself, says how far apart the views are that the loss calls
    the same. An interval that ends at 4e-06 means: at most so often, as far as these draws can tell, even if the count
    is 0. Overlap would explain something if "closest of one class" were as near as the first row, and "closest of two
    classes" were not. The pairs are the closest by their pixels, among at most 5,000 training images.

    Args:
        where: a run's folder, whose images and augmentations are used, or a source: Digits, CIFAR10, MNIST, Folder ...
        root: the folder or file that the source reads
        draws: pairs of views of each kind of pairs
        distances: root mean squared differences of pixels, of a range of 0 to 1, below which views count as near
        pairs: pairs of images of each kind, which take turns
        confidence: of the Clopper-Pearson intervals
        output: a folder for the table and a picture of pairs and their views
        seed: of the images and the views
        bar: how far the work is

    Examples:
        csl overlap Digits
        csl overlap lightning_logs/simclr-digits/version_0 --output overlap
        csl overlap CIFAR10 --root .data --draws 1000000
    """
    from csl.checks import check_positive, check_range
    from csl.commands.names import use_short_names
    from csl.study.images import images_of
    from csl.study.overlap_study import overlap_study

    check_positive(draws=draws, pairs=pairs)
    check_range("confidence", confidence, above=0.0, below=1.0)
    for distance in distances:
        check_range("distances", distance)
    use_short_names()
    data, augment = images_of(where, root)
    with bar as watch:
        found = overlap_study(
            data,
            augment,
            draws=draws,
            distances=distances,
            num_pairs=pairs,
            seed=seed,
            confidence=confidence,
            watch=watch,
        )
    return found.write(output)


run = command(overlap)
