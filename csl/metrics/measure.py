"""What is known of a measure, declared once, beside its function."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from torch import Tensor

from csl.metrics.samples import Samples

Options: TypeAlias = Mapping[str, Any]


class Family(StrEnum):
    """The headings of the panel, in their order."""

    GLOBAL = "Global density"
    LOCAL = "Local density"
    CLUSTERS = "Clusters"
    UNSUPERVISED = "Without labels"


class Turn(IntEnum):
    """The order in which measures share work: the distances of rows, those of their directions, and none."""

    PAIRS = 0
    DIRECTIONS = 1
    REST = 2


class Choices(NamedTuple):
    """What the measures of a panel are asked for.

    Attributes:
        temperatures: T of relative local density and class affinity.
        ks: Numbers of neighbours of neighbour agreement.
    """

    temperatures: tuple[float, ...]
    ks: tuple[int, ...]


class Size(NamedTuple):
    """How much there is to measure: samples N, their dimension D, classes C."""

    samples: int
    dimension: int
    classes: int


@dataclass(frozen=True)
class Passes:
    """The cost of passes over the pairs; each pair takes about as long as 150 multiplications beside its product.

    Attributes:
        count: How many passes.
        directions: Whether they go over the pairs of directions, which for raw rows are others than those of rows.

    Example:
        >>> Passes(2)(Size(samples=1000, dimension=50, classes=10))
        200000000.0
    """

    count: float
    directions: bool = False

    def __call__(self, size: Size) -> float:
        """About how many multiplications."""
        return self.count * size.samples**2 / 2 * (size.dimension + 150)


def search(count: float) -> Passes:
    """The cost of a search for the nearest by cosine, which takes as long as so many passes over the pairs."""
    return Passes(count, directions=True)


def rows(size: Size) -> float:
    """The cost of a few passes over the rows."""
    return 10.0 * size.samples * size.dimension


def spectrum(size: Size) -> float:
    """The cost of the D×D sums of products and their eigenvalues."""
    return float(size.samples * size.dimension**2 + 10 * size.dimension**3)


def no_options() -> Options:
    """The options of a measure that has none."""
    return {}


def _itself(samples: Samples) -> Samples:
    return samples


def _once(choices: Choices) -> Sequence[Options]:
    return [{}]


def _no_neighbors(**options: Any) -> int:
    return 0


@dataclass(frozen=True, kw_only=True)
class Measure:
    """All that is known of a measure; `csl.metrics.functional` holds one beside each function.

    Attributes:
        name: What `analyze` and its `--metrics` call it.
        function: The public function of features `[N, D]`, labels `[N]` unless it needs none, and its options.
        score: The value, from what `source` gives and the options by name.
        family: The heading it stands under.
        meaning: What its value says, for a reader of the table.
        paper: Where it was published.
        cost: About how many multiplications it takes, so that a progress bar can tell the time that is left.
        range: The least and the largest value that its scalars can have; infinite where there is none.
        higher_is_better: The direction in which features are better organized; None if neither end is good.
        best: The value at which they are, where that is no end; None if nobody states one.
        source: What the score is made from, of the record of a set: the record itself unless told otherwise.
        needs: "features" alone, "labels" too, or "views": labels that say which rows are views of one image.
        options: Checks options and completes them with their defaults; its parameters are those of the function.
        names: What the scalars are called in a log, given the options; the measure's own name unless told otherwise.
        summary: The scalars `[S]` of a value that is no scalar or list of them, given the options.
        panel: The options of each of its computations in a panel with these choices.
        neighbors: How many nearest others it asks for, given the options, so that one search can serve all.
        in_default: Whether it belongs to the panel unless something else is asked for.
        every_pass: Whether monitors measure it at every validation pass unless told otherwise: it is cheap.
        by_blocks: Whether it looks at a block of rows at a time, so that features may be larger than memory.

    Example:
        >>> import torch
        >>> from csl.metrics.functional.neighbor_agreement import NEIGHBOR_AGREEMENT
        >>> NEIGHBOR_AGREEMENT.scalar_names(ks=[5]), NEIGHBOR_AGREEMENT.range
        (('neighbor_agreement_5',), (0, 1))
        >>> samples = Samples(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), torch.tensor([0, 0, 1]))
        >>> NEIGHBOR_AGREEMENT.scalars(NEIGHBOR_AGREEMENT.of(samples, ks=[1]), ks=[1])
        {'neighbor_agreement_1': tensor(0.6667, dtype=torch.float64)}
    """

    name: str
    function: Callable[..., Tensor]
    score: Callable[..., Tensor]
    family: Family
    meaning: str
    paper: str
    cost: Callable[[Size], float]
    range: tuple[float, float]
    higher_is_better: bool | None
    best: float | None = None
    source: Callable[[Samples], Any] = _itself
    needs: Literal["features", "labels", "views"] = "features"
    options: Callable[..., Options] = no_options
    names: Callable[..., Sequence[str]] | None = None
    summary: Callable[..., Tensor] | None = None
    panel: Callable[[Choices], Sequence[Options]] = _once
    neighbors: Callable[..., int] = _no_neighbors
    in_default: bool = True
    every_pass: bool = False
    by_blocks: bool = False

    @property
    def turn(self) -> Turn:
        """When to measure it, so that measures that share distances come together."""
        if isinstance(self.cost, Passes):
            return Turn.DIRECTIONS if self.cost.directions else Turn.PAIRS
        return Turn.REST

    @property
    def searches(self) -> bool:
        """Whether it takes the nearest by cosine, which one search finds for all measures."""
        return self.neighbors is not _no_neighbors and self.turn == Turn.DIRECTIONS

    @property
    def labeled(self) -> bool:
        """Whether it looks at labels, of classes or of images."""
        return self.needs != "features"

    def of(self, samples: Samples, **options: Any) -> Tensor:
        """The value of one evaluation set, float64."""
        checked = self.options(**options)
        return self.score(self.source(samples), **checked)

    def scalar_names(self, **options: Any) -> tuple[str, ...]:
        """What the scalars are called in a log; known before anything is computed."""
        return (self.name,) if self.names is None else tuple(self.names(**self.options(**options)))

    def scalars(self, value: Tensor, **options: Any) -> dict[str, Tensor]:
        """A value as scalars for a log, by name."""
        entries = value.reshape(-1) if self.summary is None else self.summary(value, **self.options(**options))
        return dict(zip(self.scalar_names(**options), entries, strict=True))
