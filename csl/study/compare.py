"""A comparison of encoders, collected for a page or a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from csl.study.changes import K, changed_classes, kept_neighbors, similarity_table
from csl.study.entries import Entry, Watch, apart, settings
from csl.study.layouts import Layout
from csl.study.maps import Map, aligned_maps
from csl.study.near import nearest
from csl.study.standings import Standing, standings, standings_table
from csl.table import Table

MAPPED = 1000  # images on the maps of a page
CHANGED = 12  # images whose neighbourhood changed most
PERPLEXITY = 30.0
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        entries: The encoders that saw the same images.
        apart: Why others are set apart, by their name.
        others: The encoders that are set apart.
        standings: Each group's numbers.
        similar: How alike each pair of encoders is; empty for one encoder.
        maps: One map for each encoder, aligned.
        neighbors: For each map, the nearest of the mapped images for each of them `[n, K]`, as positions on the map.
        changed: Positions on the map of the images whose neighbours the first two encoders share least.
        classes: By class, the share of neighbours that the first two encoders share.
        settings: What the runs were told where they differ.
    """

    entries: Sequence[Entry]
    others: Sequence[Entry]
    apart: dict[str, str]
    standings: dict[str, dict[str, Standing]]
    similar: Table
    maps: Sequence[Map]
    neighbors: Sequence[Sequence[Sequence[int]]]
    changed: Sequence[int]
    classes: Table | None
    settings: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        """One row for each group, those that are set apart at the end."""
        return standings_table({**self.standings, **standings(self.others)})

    def __str__(self) -> str:
        """The tables, for a screen."""
        parts = [self.table.text()]
        parts += [f"{name} is set apart: {reason}" for name, reason in self.apart.items()]
        if self.similar.rows:
            parts.append(self.similar.text())
        return "\n\n".join(parts)


def comparison(
    entries: Sequence[Entry], *, seed: int = 0, watch: Watch | None = None, missing: Mapping[str, str] = NOTHING
) -> Comparison:
    """Compare encoders: numbers by group, similarity by pair, aligned maps, and what changed between the first two.

    Args:
        entries: What is compared.
        seed: Of the sample of images on the maps, and of the maps.
        watch: Called with what is at work and the share of it that is done.
        missing: What could not be read, by name, and the reason.
    """
    together, reasons = apart(entries)
    subjects = [entry.subject for entry in together]
    perplexity = min(PERPLEXITY, (len(subjects[0].val.features) - 1) / 3)
    (maps,) = aligned_maps(
        subjects, "val", [Layout("tsne", perplexity, seed)], max_samples=MAPPED, seed=seed, watch=watch
    )
    near = [nearest(one.subject.val.features[list(one.samples)], K).index.tolist() for one in maps]
    kept = kept_neighbors(together[0], together[1]) if len(together) > 1 else None
    classes = None
    changed: list[int] = []
    if kept is not None:
        changed = kept[list(maps[0].samples)].argsort(stable=True)[:CHANGED].tolist()
        if subjects[0].class_names:
            classes = changed_classes(kept, subjects[0].val.labels, subjects[0].class_names)
    others = [entry for entry in entries if entry.subject.name in reasons]
    return Comparison(
        together,
        others,
        {**reasons, **missing},
        standings(together),
        similarity_table(together),
        maps,
        near,
        changed,
        classes,
        settings(entries),
    )
