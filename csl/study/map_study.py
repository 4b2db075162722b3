"""Maps of encoders: table, picture, and a file for open viewers."""

from collections.abc import Sequence
from pathlib import Path

from csl.figures.map_grid import Panel, map_grid
from csl.metrics.analysis import Watcher
from csl.study.layouts import MOST_FOR_ALL_PAIRS, Projection, layouts
from csl.study.map_file import write_map
from csl.study.maps import Map, aligned_maps, points_table, trust_table
from csl.study.outcome import Outcome
from csl.study.subjects import Part, Subject, of_length_one, same_samples


def map_study(
    subjects: Sequence[Subject],
    part: Part = "val",
    *,
    projections: Sequence[Projection] = ("tsne", "pca"),
    perplexities: Sequence[float] = (),
    max_samples: int = MOST_FOR_ALL_PAIRS,
    parquet: Path | None = None,
    seed: int = 0,
    watch: Watcher | None = None,
) -> Outcome:
    """Aligned maps of the subjects' images, and how far each can be trusted.

    Args:
        subjects: The encoders, in the order in which their maps follow each other.
        part: Which images.
        projections: Kinds of maps.
        perplexities: Of t-SNE; 25, a tenth of the samples and about all of them if none is given.
        max_samples: At most so many samples.
        parquet: A file for open viewers.
        seed: Of the samples and of the maps.
        watch: Called with a map's name and the share of all maps that is done.

    Raises:
        ValueError: If the subjects saw different images, features are not finite, or a map cannot be made.
    """
    same_samples(subjects, part)
    scaled = [of_length_one(subject) for subject in subjects]
    count = min(max_samples, len(scaled[0].part(part).labels))
    ways = layouts(projections, perplexities, count, seed)
    maps = aligned_maps(scaled, part, ways, max_samples=max_samples, seed=seed, watch=watch)
    if parquet is not None:
        write_map(parquet, maps, part)
    tables = {"trust": trust_table(maps), "points": points_table(maps, part)}
    picture = map_grid(
        panels(maps, part), subjects[0].class_names, title=subjects[0].name if len(subjects) == 1 else ""
    )
    text = f"{tables['trust'].text()}\nfeatures of length 1, Euclidean; 1 is best; k neighbours are looked at"
    facts = {"images": part, "seed": seed}
    return Outcome(text, tables, {"map": picture}, facts)


def panels(maps: Sequence[Sequence[Map]], part: Part) -> list[list[Panel]]:
    """The maps as the picture shows them: a row a layout, a column an encoder; one encoder's maps in one row."""
    if len(maps[0]) == 1:
        return [[_panel(row[0], part, title=row[0].layout.name) for row in maps]]
    return [
        [
            _panel(one, part, title="" if number else one.subject.name, side="" if column else one.layout.name)
            for column, one in enumerate(row)
        ]
        for number, row in enumerate(maps)
    ]


def _panel(one: Map, part: Part, title: str, side: str = "") -> Panel:
    found = one.trust
    note = (
        f"trustworthiness {found.trustworthiness:.3f}, continuity {found.continuity:.3f},\n"
        f"{found.kept:.0%} of {found.k} neighbours kept; {len(one.samples):,} samples"
    )
    return Panel(title, side, note, one.points, one.subject.part(part).labels.numpy()[one.samples])
