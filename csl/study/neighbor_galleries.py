"""What neighbours say of single images, as pictures."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from csl.figures.image_rows import Tile, image_rows
from csl.study.subjects import Encoded, Subject
from csl.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TILES = 32
_COLUMNS = 8

Row = dict[str, Any]


def galleries(subject: Subject, encoded: Encoded, tables: Mapping[str, Table]) -> "dict[str, Figure]":
    """Pictures of what the tables of `csl.study.neighbor_tables` say; none where there are only features.

    Args:
        subject: The encoder.
        encoded: The set that the tables speak of.
        tables: The tables "neighbors", "pairs" and "scores", and perhaps "duplicates".
    """
    if encoded.images is None:
        return {}
    rows = {name: _rows(table) for name, table in tables.items()}
    images = encoded.images
    found = {
        "neighbors": _neighbors(images, rows["neighbors"]),
        "doubtful": _ranked(images, rows["scores"], "doubt", "the label, or what neighbours say, and how sure"),
        "outliers": _ranked(images, rows["scores"], "loneliness", "outliers: 1 less the mean cosine to the 20 nearest"),
    }
    if rows["pairs"]:
        title = "closest images of different classes"
        found["pairs"] = _pairs(rows["pairs"], (images, "first"), (images, "second"), title)
    if "duplicates" in rows and subject.train is not None and subject.train.images and subject.val.images:
        sides = (subject.val.images, "val"), (subject.train.images, "train")
        found["duplicates"] = _pairs(rows["duplicates"], *sides, "held-out images and their closest training images")
    return found


Images = Callable[[torch.Tensor], torch.Tensor]


def _rows(table: Table) -> list[Row]:
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def _neighbors(images: Images, rows: Sequence[Row]) -> "Figure":
    """One row a chosen image: itself, and its neighbours with hits and misses marked."""
    lines: dict[int, list[Tile]] = {}
    for row in rows:
        line = lines.setdefault(
            row["sample"], [Tile(_one(images, row["sample"]), (row["class"], f"no. {row['sample']}"))]
        )
        words = (row["neighbor_class"], f"{row['similarity']:.3f}")
        line.append(Tile(_one(images, row["neighbor"]), words, bool(row["hit"])))
    title = "an image, and its nearest with their cosine: ✓ of its class, ✗ of another"
    return image_rows(list(lines.values()), title=title, gaps=(1,))


def _ranked(images: Images, rows: Sequence[Row], score: str, title: str) -> "Figure":
    """The images with the highest score."""
    best = sorted(rows, key=lambda row: -float(row[score]))[:_TILES]
    tiles = [
        Tile(_one(images, row["sample"]), (_label(row, score), f"{row[score]:.2f}, no. {row['sample']}"))
        for row in best
    ]
    return image_rows([tiles[at : at + _COLUMNS] for at in range(0, len(tiles), _COLUMNS)], title=title)


def _label(row: Row, score: str) -> str:
    return f"{row['class']}, or {row['voted_class']}?" if score == "doubt" and row["voted_class"] else str(row["class"])


def _pairs(rows: Sequence[Row], first: tuple[Images, str], second: tuple[Images, str], title: str) -> "Figure":
    """Pairs of images, with the cosine and, where it is known, the rank in each encoder."""
    tiles = []
    for row in rows[: _TILES // 2]:
        known = [f"{row['similarity']:.3f}"] + ([f"rank {row['rank']}"] if "rank" in row else [])
        there = row.get("rank_in_second_encoder")
        words = [", ".join(known), *([f"2nd: rank {there}"] if there else [])]
        for side, (images, name) in enumerate((first, second)):
            last = words if side else [f"no. {row[name]}", *[""] * (len(words) - 1)]
            tiles.append(Tile(_one(images, row[name]), (row[f"{name}_class"], *last)))
    lines = [tiles[at : at + _COLUMNS] for at in range(0, len(tiles), _COLUMNS)]
    return image_rows(lines, title=title, gaps=range(2, _COLUMNS, 2))


def _one(images: Images, position: int) -> torch.Tensor:
    return images(torch.tensor([position]))[0]
