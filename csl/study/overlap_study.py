"""How often augmentations of images coincide: the table and the picture of a run or of a source."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from csl.data import ImageDataModule
from csl.figures.pair_gallery import pair_gallery
from csl.metrics.analysis import Watcher
from csl.randomness import seeded
from csl.study.image_pairs import image_pairs
from csl.study.outcome import Outcome
from csl.study.overlap import Augment, Overlap, overlap
from csl.table import Cell, Table

_MOST_IMAGES = 5000
_MOST_BYTES = 200_000_000
_COMPARED = 32  # height and width at which images are compared, in pixels
_SHOWN = 4  # pairs of each kind in the picture


def overlap_study(
    data: ImageDataModule,
    augment: tuple[Augment, Augment],
    *,
    draws: int,
    distances: Sequence[float],
    num_pairs: int = 100,
    seed: int = 0,
    confidence: float = 0.95,
    watch: Watcher | None = None,
) -> Outcome:
    """Overlap of the same image with itself, of the closest images and of any two.

    Closest are those of the least distance of their pixels, among at most 5,000 training images.

    Args:
        data: The images.
        augment: What draws each of the two views.
        draws: Pairs of views of each kind.
        distances: How far apart views may be to count as near.
        num_pairs: Pairs of images of each kind.
        seed: Of the images and of the views.
        confidence: Of the intervals.
        watch: Called with the kind of pairs and the share of all work that is done.
    """
    images, labels = _some_images(data, seed)
    small = adaptive_avg_pool2d(images.float(), _COMPARED) if images.shape[-1] > _COMPARED else images
    kinds = image_pairs(small.flatten(1).float(), labels, num_pairs, seed)
    found: dict[str, Overlap] = {}
    for number, (kind, pairs) in enumerate(kinds.items()):

        def seen(_: str, share: float, done: int = number, kind: str = kind) -> None:
            if watch is not None:
                watch(kind, (done + share) / len(kinds))

        found[kind] = overlap(images, pairs, augment, draws, distances, seed=seed, confidence=confidence, watch=seen)
    with seeded(seed, "shown"):
        shown = {kind: _shown(images[pairs[:_SHOWN]], augment) for kind, pairs in kinds.items()}
    table = overlap_table(found)
    facts = {"images": len(images), "draws": draws, "confidence": confidence, "seed": seed}
    return Outcome(_text(table, draws, confidence), {"overlap": table}, {"overlap": pair_gallery(shown)}, facts)


def overlap_table(found: dict[str, Overlap]) -> Table:
    """One row a kind of pairs: shares with their intervals, the least and the median distance."""
    some = next(iter(found.values()))
    names = ["same", *(f"within_{limit:g}" for limit in some.within)]
    header = ["images", *(f"{name}{end}" for name in names for end in ("", "_low", "_high"))]
    rows: list[list[Cell]] = []
    for kind, one in found.items():
        shares = [one.exact, *one.within.values()]
        rows.append([kind, *(n for s in shares for n in (s.hits / s.draws, s.low, s.high)), one.nearest, one.median])
    return Table([*header, "nearest", "median"], rows)


def _text(table: Table, draws: int, confidence: float) -> str:
    """A table for a screen, its intervals in brackets."""
    ends = range(1, len(table.header) - 2, 3)
    rows: list[list[Cell]] = [
        [row[0], *(f"{_short(row[at])} [{_short(row[at + 1])}, {_short(row[at + 2])}]" for at in ends), *row[-2:]]
        for row in table.rows
    ]
    shown = Table([table.header[0], *(table.header[at] for at in ends), *table.header[-2:]], rows)
    return (
        f"{draws:,} pairs of views of each kind; share of them, with {confidence:.0%} intervals\n{shown.text()}\n"
        "same: equal in every pixel; within and the last columns: root mean squared difference of pixels in 0 to 1"
    )


def _short(cell: Cell) -> str:
    return f"{float(cell or 0):.2g}"


def _shown(pairs: Tensor, augment: tuple[Augment, Augment]) -> tuple[Tensor, list[Tensor]]:
    """Pairs of images `[P, 2, C, H, W]`, and a view of the first and of the second of each."""
    return pairs, [draw(pairs[:, side]) for side, draw in enumerate(augment)]


def _some_images(data: ImageDataModule, seed: int) -> tuple[Tensor, Tensor]:
    """Some training images, uint8 `[N, C, H, W]`, and their labels."""
    labels = data.splits.train.labels
    each = data.num_channels * min(data.source.native_size, round(data.image_size * 8 / 7)) ** 2
    count = max(2, min(_MOST_IMAGES, _MOST_BYTES // each))
    chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))[:count].sort().values
    return data.images("train", chosen), labels[chosen]
