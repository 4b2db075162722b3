"""What neighbours say of single images, as tables."""

from collections.abc import Sequence

import torch

from csl.metrics import per_sample
from csl.study.near import Near, closest_of_different_classes, label_votes, loneliness, nearest_in, ranked
from csl.study.subjects import Encoded, Part, Subject
from csl.table import Cell, Table

SHOWN = 10  # neighbours of an image that are listed


def neighbors_table(subject: Subject, encoded: Encoded, near: Near, chosen: Sequence[int]) -> Table:
    """One row a chosen image and neighbour."""
    rows: list[list[Cell]] = []
    for sample in chosen:
        own = class_of(subject, encoded, sample)
        others = zip(near.index[sample, :SHOWN].tolist(), near.similarity[sample, :SHOWN].tolist(), strict=True)
        for rank, (other, similarity) in enumerate(others, start=1):
            its = class_of(subject, encoded, other)
            rows.append([sample, own, rank, other, its, similarity, int(own == its)])
    header = ["sample", "class", "rank", "neighbor", "neighbor_class", "similarity", "hit"]
    return Table(header, rows)


def pairs_table(subjects: Sequence[Subject], part: Part, count: int) -> Table:
    """The closest pairs of different classes in the first encoder, with their place in the second."""
    first, encoded = subjects[0], subjects[0].part(part)
    found = closest_of_different_classes(encoded.features, encoded.labels, count)
    header = ["first", "first_class", "second", "second_class", "similarity", "rank"]
    rows: list[list[Cell]] = [
        [p.first, class_of(first, encoded, p.first), p.second, class_of(first, encoded, p.second), p.similarity, p.rank]
        for p in found
    ]
    if len(subjects) > 1:
        header += ["similarity_in_second_encoder", "rank_in_second_encoder"]
        there = ranked(subjects[1].part(part).features, [(p.first, p.second) for p in found])
        rows = [[*row, other.similarity, other.rank] for row, other in zip(rows, there, strict=True)]
    return Table(header, rows)


def scores_table(subject: Subject, encoded: Encoded, near: Near) -> Table:
    """One row a sample, those with the most doubtful labels first."""
    votes = label_votes(near, encoded.labels)
    known = per_sample(encoded.features, encoded.labels, temperatures=[0.1], ks=[min(10, near.index.shape[1])])
    scores = {**known, "loneliness": loneliness(near)}
    header = ["sample", "class", "doubt", "voted_class", *scores]
    rows: list[list[Cell]] = []
    for sample in votes.doubt.argsort(descending=True, stable=True).tolist():
        voted = int(votes.voted[sample])
        own, other = class_of(subject, encoded, sample), subject.class_names[voted] if voted >= 0 else None
        rows.append([sample, own, float(votes.doubt[sample]), other, *(float(one[sample]) for one in scores.values())])
    if encoded.names is None:
        return Table(header, rows)
    return Table([*header, "name"], [[*row, encoded.names[int(row[0] or 0)]] for row in rows])


def duplicates_table(subject: Subject, count: int) -> Table:
    """The held-out images that are most similar to one of the reference images, and how far apart their pixels are."""
    assert subject.train is not None
    near = nearest_in(subject.val.features, subject.train.features)
    order = near.similarity[:, 0].argsort(descending=True, stable=True)[:count]
    rows: list[list[Cell]] = []
    for held_out in order.tolist():
        other = int(near.index[held_out, 0])
        classes = class_of(subject, subject.val, held_out), class_of(subject, subject.train, other)
        rows.append([held_out, classes[0], other, classes[1], float(near.similarity[held_out, 0])])
    header = ["val", "val_class", "train", "train_class", "similarity"]
    apart = _pixels_apart(subject, [(int(row[0] or 0), int(row[2] or 0)) for row in rows])
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


def class_of(subject: Subject, encoded: Encoded, sample: int) -> str:
    """The name of a sample's class."""
    return subject.class_names[int(encoded.labels[sample])]
