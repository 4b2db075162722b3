"""What neighbours say of encoders and of single images: tables and galleries."""

from collections.abc import Sequence

import torch

from csl.figures.agreement_plot import agreement_plot
from csl.study.agreement import agreement_table, numbers_of_neighbors
from csl.study.near import (
    NEIGHBORS,
    Near,
    closest_of_different_classes,
    label_votes,
    loneliness,
    nearest,
    nearest_in,
    ranked,
)
from csl.study.outcome import Outcome
from csl.study.shape_scores import Watch
from csl.study.subjects import Encoded, Part, Subject, of_length_one, same_samples
from csl.table import Table

_SHOWN = 10  # neighbours in a row of the gallery
_TILES = 32  # images of a ranked gallery, eight a row


def neighbor_study(
    subjects: Sequence[Subject],
    part: Part = "train",
    *,
    samples: Sequence[int] = (),
    count: int = 8,
    pairs: int = 32,
    seed: int = 0,
    watch: Watch | None = None,
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
    say = watch or (lambda name, share: None)
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
    figures = {"agreement": agreement_plot(ks, curves, best), **galleries(first, encoded, tables, near, chosen)}
    return Outcome(_text(tables), tables, figures, {"images": part, "seed": seed})


def neighbors_table(subject: Subject, encoded: Encoded, near: Near, chosen: Sequence[int]) -> Table:
    """One row a chosen image and neighbour."""
    rows = [
        [sample, _class(subject, encoded, sample), rank + 1, other, _class(subject, encoded, other), float(similarity)]
        for sample in chosen
        for rank, (other, similarity) in enumerate(
            zip(near.index[sample, :_SHOWN].tolist(), near.similarity[sample, :_SHOWN].tolist(), strict=True)
        )
    ]
    header = ["sample", "class", "rank", "neighbor", "neighbor_class", "similarity", "hit"]
    return Table(header, [[*row, int(row[1] == row[4])] for row in rows])


def pairs_table(subjects: Sequence[Subject], part: Part, count: int) -> Table:
    """The closest pairs of different classes in the first encoder, with their place in the second."""
    first, encoded = subjects[0], subjects[0].part(part)
    found = closest_of_different_classes(encoded.features, encoded.labels, count)
    header = ["first", "first_class", "second", "second_class", "similarity", "rank"]
    rows = [
        [p.first, _class(first, encoded, p.first), p.second, _class(first, encoded, p.second), p.similarity, p.rank]
        for p in found
    ]
    if len(subjects) > 1:
        header += ["similarity_in_second_encoder", "rank_in_second_encoder"]
        there = ranked(subjects[1].part(part).features, [(p.first, p.second) for p in found])
        rows = [[*row, other.similarity, other.rank] for row, other in zip(rows, there, strict=True)]
    return Table(header, rows)


def scores_table(subject: Subject, encoded: Encoded, near: Near) -> Table:
    """One row a sample, those with the most doubtful labels first."""
    votes, alone = label_votes(near, encoded.labels), loneliness(near)
    purity = (encoded.labels[near.index[:, :_SHOWN]] == encoded.labels[:, None]).double().mean(dim=1)
    header = ["sample", "name", "class", "doubt", "voted_class", "neighbor_purity_10", "loneliness"]
    rows = [
        [
            sample,
            None if encoded.names is None else encoded.names[sample],
            _class(subject, encoded, sample),
            float(votes.doubt[sample]),
            subject.class_names[int(votes.voted[sample])] if votes.voted[sample] >= 0 else None,
            float(purity[sample]),
            float(alone[sample]),
        ]
        for sample in votes.doubt.argsort(descending=True, stable=True).tolist()
    ]
    return Table(header, rows)


def duplicates_table(subject: Subject, count: int) -> Table:
    """The held-out images that are most similar to one of the reference images, and how far apart their pixels are."""
    assert subject.train is not None
    near = nearest_in(subject.val.features, subject.train.features)
    order = near.similarity[:, 0].argsort(descending=True, stable=True)[:count]
    rows = []
    for held_out in order.tolist():
        other = int(near.index[held_out, 0])
        classes = _class(subject, subject.val, held_out), _class(subject, subject.train, other)
        rows.append([held_out, classes[0], other, classes[1], float(near.similarity[held_out, 0])])
    header = ["val", "val_class", "train", "train_class", "similarity"]
    apart = _pixels_apart(subject, [(int(row[0]), int(row[2])) for row in rows])
    return Table([*header, "pixels_apart"], [[*row, one] for row, one in zip(rows, apart, strict=True)])


def _pixels_apart(subject: Subject, pairs: Sequence[tuple[int, int]]) -> list[float | None]:
    """Root mean squared difference of pixels in 0 to 1; None where there are no images."""
    assert subject.train is not None
    if subject.val.images is None or subject.train.images is None or not pairs:
        return [None] * len(pairs)
    held_out, known = (torch.tensor(one) for one in zip(*pairs, strict=True))
    a, b = subject.val.images(held_out).float(), subject.train.images(known).float()
    found: list[float | None] = ((a - b) / 255).flatten(1).square().mean(dim=1).sqrt().tolist()
    return found


def galleries(
    subject: Subject, encoded: Encoded, tables: dict[str, Table], near: Near, chosen: Sequence[int]
) -> "dict[str, object]":
    """Pictures of what the tables say; none where there are only features."""
    raise NotImplementedError


def _check(encoded: Encoded, samples: Sequence[int], name: str) -> None:
    if not len(encoded.labels) or int(encoded.labels.min()) < 0:
        raise ValueError(f"{name}: expected labels, since neighbours are compared by their classes, got none")
    for sample in samples:
        if not 0 <= sample < len(encoded.labels):
            raise ValueError(f"samples: expected numbers from 0 to {len(encoded.labels) - 1}, got {sample}")


def _class(subject: Subject, encoded: Encoded, sample: int) -> str:
    return subject.class_names[int(encoded.labels[sample])]


def _text(tables: dict[str, Table]) -> str:
    raise NotImplementedError
