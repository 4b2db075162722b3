"""Features laid out in the plane: t-SNE at several perplexities, PCA, UMAP, each from a start that is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import torch

from csl.callbacks.memory_guard import memory_of
from csl.figures.projection import Floats, pca
from csl.figures.tsne import tsne, turned

Projection = Literal["tsne", "pca", "umap"]
BYTES_A_PAIR = 32  # of an entry of t-SNE's affinities, while they are made symmetric
_UMAP_NEIGHBORS = 15  # as the package has it
MOST_FOR_ALL_PAIRS = 5000  # samples of a map that keeps all pairs


@dataclass(frozen=True)
class Layout:
    """A way to lay features out.

    Attributes:
        projection: "tsne", "pca" or "umap".
        perplexity: Effective number of neighbours that t-SNE looks at.
        seed: Of t-SNE and UMAP.

    Example:
        >>> Layout("tsne", 25).name, Layout("pca").name
        ('t-SNE, perplexity 25', 'PCA')
    """

    projection: Projection
    perplexity: float = 0.0
    seed: int = 0

    @property
    def name(self) -> str:
        """What it is called in pictures."""
        return f"t-SNE, perplexity {self.perplexity:g}" if self.projection == "tsne" else self.projection.upper()

    def neighbors(self, count: int) -> int:
        """How many neighbours of each of so many samples it keeps."""
        return min(count - 1, int(3 * self.perplexity))

    def place(self, rows: Floats, start: Floats | None = None, watch: Callable[[float], None] | None = None) -> Floats:
        """Positions `[N, 2]` of rows `[N, D]`.

        Args:
            rows: The features.
            start: Positions `[N, 2]` of the same samples on an earlier map, from which this one starts, so that the
                two can be compared; the PCA if None.
            watch: Called with the share of the work that is done.

        Raises:
            ValueError: If the perplexity is not below the number of samples, there is not enough memory, or UMAP is not
                installed.
        """
        if self.projection == "pca":
            plane, _ = pca(rows)
            return plane if start is None else turned(plane, start)
        if self.projection == "umap":
            return self._umap(rows, pca(rows)[0] if start is None else start)
        check_perplexity(self.perplexity, len(rows))
        return tsne(rows, self.perplexity, self.seed, start, watch)

    def _umap(self, rows: Floats, start: Floats) -> Floats:
        check_umap()
        from umap import UMAP

        spread = 10 * (start - start.min(axis=0)) / max(float(np.ptp(start, axis=0).max()), 1e-12)
        # UMAP divides by the range of each axis, and cannot tell apart what starts at one place.
        spread += np.random.default_rng(self.seed).normal(scale=1e-4, size=spread.shape)
        model = UMAP(n_neighbors=min(_UMAP_NEIGHBORS, len(rows) - 1), init=spread, random_state=self.seed, n_jobs=1)
        found: Any = model.fit_transform(rows)
        return np.asarray(found, dtype=np.float64)


def layouts(
    projections: Sequence[Projection], perplexities: Sequence[float], count: int, seed: int = 0
) -> list[Layout]:
    """The layouts of so many samples, all checked before the first is made.

    Args:
        projections: Which kinds; t-SNE once for each perplexity.
        perplexities: 25, a tenth of the samples and about all of them if none is given, as far as they differ clearly.
        count: How many samples there are.
        seed: Of t-SNE and UMAP.

    Raises:
        ValueError: If there are fewer than four samples, a perplexity is too large for them, there is not enough
            memory, or UMAP is not installed.

    Example:
        >>> [layout.name for layout in layouts(["tsne", "pca"], [], 400)]
        ['t-SNE, perplexity 25', 't-SNE, perplexity 40', 't-SNE, perplexity 396', 'PCA']
    """
    if count < 4:
        raise ValueError(f"samples: expected at least 4 for a map, got {count}")
    if "umap" in projections:
        check_umap()
    chosen = list(perplexities) or _usual(count)
    if "tsne" in projections:
        for perplexity in chosen:
            check_perplexity(perplexity, min(count, MOST_FOR_ALL_PAIRS) if 3 * perplexity >= count else count)
    kinds = [
        [Layout("tsne", p, seed) for p in chosen] if kind == "tsne" else [Layout(kind, seed=seed)]
        for kind in projections
    ]
    return [layout for kind in kinds for layout in kind]


def _usual(count: int) -> list[int]:
    """25, a tenth of the samples where that is clearly more, and about all of them."""
    small, tenth = max(2, min(25, count // 3)), count // 10
    between = [tenth] if tenth > 1.3 * small else []
    return sorted({small, *between, int(0.99 * min(count, MOST_FOR_ALL_PAIRS))})


def check_perplexity(perplexity: float, count: int) -> None:
    """Raise a `ValueError` unless t-SNE of so many samples makes sense at a perplexity, and fits into memory."""
    if not 1 < perplexity < count:
        raise ValueError(
            f"perplexities: expected more than 1 and less than the {count:,} samples of the map, got {perplexity:g}, "
            "which is a number of neighbours"
        )
    needed = tsne_bytes(perplexity, count)
    free, _ = memory_of(torch.device("cpu"))
    if needed > free:
        near = Layout("tsne", perplexity).neighbors(count)
        raise ValueError(
            f"perplexities: t-SNE of {count:,} samples at {perplexity:g} keeps {near:,} neighbours of each and takes "
            f"about {needed / 1e9:.1f} GB, but {free / 1e9:.1f} GB are free; take fewer samples"
        )


def tsne_bytes(perplexity: float, count: int) -> float:
    """About how much memory the affinities take: 20 GB for all pairs of 25,000 samples.

    Example:
        >>> tsne_bytes(24_900, 25_000) / 1e9
        19.9992
    """
    return float(BYTES_A_PAIR * count * Layout("tsne", perplexity).neighbors(count))


def check_umap() -> None:
    """Raise a `ValueError` if UMAP is not installed."""
    if find_spec("umap") is None:
        raise ValueError("projections: umap needs a package that is not installed; pip install umap-learn")
