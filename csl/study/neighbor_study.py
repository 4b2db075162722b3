"""What neighbours say of encoders and of single images: tables and galleries."""

from collections.abc import Sequence

import torch

from csl.figures.agreement_plot import agreement_plot
from csl.metrics.analysis import Watcher
from csl.study.agreement import agreement_table, numbers_of_neighbors
from csl.study.near import NEIGHBORS, nearest
from csl.study.neighbor_galleries import galleries
from csl.study.neighbor_tables import duplicates_table, neighbors_table, pairs_table, scores_table
from csl.study.outcome import Outcome
from csl.study.subjects import Encoded, Part, Subject, of_length_one, same_samples
from csl.table import Table

_PRINTED = 10


def neighbor_study(
    subjects: Sequence[Subject],
    part: Part = "train",
    *,
    samples: Sequence[int] = (),
    count: int = 8,
    pairs: int = 32,
    seed: int = 0,
    watch: Watcher | None = None,
) -> Outcome:
    """Agreement of all subjects, and galleries and scores of the first one's images.

    Args:
        subjects: The encoders, which saw the same images; the closest pairs of the first are looked up in the second.
        part: Which images.
        samples: The images of the gallery, by their numbers; some at random if none is given.
        count: How many at random.
        pairs: Closest pairs of different classes, and near duplicates.
        seed: Of the images at random.
        watch: Called with what is at work and the share that is done.

    Raises:
        ValueError: If the subjects saw different images, there are no labels, features are not finite, or a number is
            no image's.
    """
    same_samples(subjects, part)
    scaled = [of_length_one(subject) for subject in subjects]
    first, encoded = scaled[0], scaled[0].part(part)
    _check(encoded, samples, first.name)
    chosen = list(samples) or sorted(
        torch.randperm(len(encoded.labels), generator=torch.Generator().manual_seed(seed))[:count].tolist()
    )
    say = watch or _silent
    say("neighbours", 0.0)
    near = nearest(encoded.features, NEIGHBORS)
    say("agreement", 0.2)
    ks = numbers_of_neighbors(len(encoded.labels))
    tables = {"agreement": agreement_table(scaled, part, ks)}
    say("closest pairs", 0.6)
    tables["neighbors"] = neighbors_table(first, encoded, near, chosen)
    tables["pairs"] = pairs_table(scaled, part, pairs)
    say("scores", 0.8)
    tables["scores"] = scores_table(first, encoded, near)
    if part == "train" and first.train is not None:
        tables["duplicates"] = duplicates_table(first, pairs)
    say("pictures", 0.9)
    names = [subject.name for subject in scaled]
    curves = {name: [float(row[at + 1] or 0) for row in tables["agreement"].rows] for at, name in enumerate(names)}
    best = [float(row[-1] or 0) for row in tables["agreement"].rows]
    figures = {"agreement": agreement_plot(ks, curves, best), **galleries(first, encoded, tables)}
    return Outcome(_text(first.name, tables), tables, figures, {"images": part, "seed": seed})


def _check(encoded: Encoded, samples: Sequence[int], name: str) -> None:
    if not len(encoded.labels) or int(encoded.labels.min()) < 0:
        raise ValueError(f"{name}: expected labels, since neighbours are compared by their classes, got none")
    for sample in samples:
        if not 0 <= sample < len(encoded.labels):
            raise ValueError(f"samples: expected numbers from 0 to {len(encoded.labels) - 1}, got {sample}")


def _silent(name: str, share: float) -> None:
    """For nobody who watches."""


def _text(name: str, tables: dict[str, Table]) -> str:
    """The chief numbers, for a screen."""
    agreement = [row for row in tables["agreement"].rows if row[0] in (1, 10, 100, 500, 1000)]
    parts = [f"Neighbour agreement at k\n{Table(tables['agreement'].header, agreement).text()}"]
    titles = {
        "scores": "Labels that the 20 nearest doubt most, 1 is most",
        "pairs": "Closest images of different classes",
        "duplicates": "Held-out images closest to a training image",
    }
    for table, title in titles.items():
        if table in tables and tables[table].rows:
            shown = Table(tables[table].header, tables[table].rows[:_PRINTED])
            parts.append(f"{title} ({name})\n{shown.text()}")
    return "\n\n".join(parts)
