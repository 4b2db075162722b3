"""Maps of several encoders on the same images, each of which starts from the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from csl.figures.projection import Floats, stratified_sample
from csl.metrics.analysis import Watcher
from csl.study.layouts import MOST_FOR_ALL_PAIRS, Layout
from csl.study.subjects import Part, Subject
from csl.study.trust import Trust, trust
from csl.table import Cell, Table


@dataclass(frozen=True)
class Map:
    """Where samples lie.

    Attributes:
        subject: The encoder, with features of length 1.
        layout: How they were laid out.
        samples: Which samples of the set `[n]`.
        points: Their positions `[n, 2]`.
        trust: How far the map can be trusted.
    """

    subject: Subject
    layout: Layout
    samples: npt.NDArray[np.int64]
    points: Floats
    trust: Trust


def aligned_maps(
    subjects: Sequence[Subject],
    part: Part,
    ways: Sequence[Layout],
    *,
    max_samples: int = MOST_FOR_ALL_PAIRS,
    seed: int = 0,
    watch: Watcher | None = None,
) -> list[list[Map]]:
    """For each layout, one map a subject, all of the same samples; each map starts from the subject's before it.

    A layout that keeps all pairs is made of at most 5,000 of the samples.

    Args:
        subjects: The encoders, with features of length 1, in the order in which maps follow each other.
        part: Which of their sets.
        ways: The layouts.
        max_samples: At most so many samples, each class in its proportion.
        seed: Of the samples.
        watch: Called with a map's name and the share of all maps that is done.
    """
    labels = subjects[0].part(part).labels.numpy()
    chosen = stratified_sample(labels, max_samples, seed)
    maps: list[list[Map]] = []
    for row, way in enumerate(ways):
        samples = chosen[:MOST_FOR_ALL_PAIRS] if 3 * way.perplexity >= len(chosen) else chosen
        made: list[Map] = []
        for column, subject in enumerate(subjects):
            done = row * len(subjects) + column

            def seen(share: float, done: int = done, name: str = way.name) -> None:
                if watch is not None:
                    watch(name, (done + share) / (len(ways) * len(subjects)))

            rows = subject.part(part).features[torch.from_numpy(samples)].double().numpy()
            points = way.place(rows, made[-1].points if made else None, seen)
            made.append(Map(subject, way, samples, points, trust(rows, points)))
            seen(1.0)
        maps.append(made)
    return maps


def trust_table(maps: Sequence[Sequence[Map]]) -> Table:
    """One row a map: how far it can be trusted."""
    header = ["encoder", "map", "samples", "trustworthiness", "continuity", "neighbors_kept", "k"]
    rows: list[list[Cell]] = [
        [
            m.subject.name,
            m.layout.name,
            len(m.samples),
            m.trust.trustworthiness,
            m.trust.continuity,
            m.trust.kept,
            m.trust.k,
        ]
        for row in maps
        for m in row
    ]
    return Table(header, rows)


def points_table(maps: Sequence[Sequence[Map]], part: Part) -> Table:
    """One row a sample and map: its position."""
    rows: list[list[Cell]] = [
        [m.subject.name, m.layout.name, int(sample), _class_of(m.subject, part, int(sample)), float(x), float(y)]
        for row in maps
        for m in row
        for sample, (x, y) in zip(m.samples, m.points, strict=True)
    ]
    return Table(["encoder", "map", "sample", "class", "x", "y"], rows)


def _class_of(subject: Subject, part: Part, sample: int) -> str:
    label = int(subject.part(part).labels[sample])
    return subject.class_names[label] if label >= 0 else ""
