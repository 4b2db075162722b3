"""Folders of images in any layout: each file is another image, which its first pixel tells."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from csl.data import Folder, ImageSplits

NO_IMAGES = (".txt", ".heic", ".db", ".json")


def put(root: Path, *names: str) -> Path:
    """Write files: images of 6×6 pixels, whatever they are called, or text where the name is no image's."""
    for number, name in enumerate(names):
        path = root / name
        assert path.is_relative_to(root), f"{name} would be written elsewhere"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in NO_IMAGES:
            path.write_text("no image")
        else:
            pixels = np.random.default_rng([number, *os.fsencode(name)]).integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path, "PNG")
    return root


def of_classes(*folders: str, count: int = 4) -> Iterable[str]:
    """Names of `count` images in each folder."""
    return [f"{folder or '.'}/{number}.png" for folder in folders for number in range(count)]


def sizes(splits: ImageSplits) -> dict[str, int]:
    """How many images each set has; the reference set only where it is another one than the training set."""
    return {
        part: len(images) for part, images in splits.sets().items() if part != "reference" or images is not splits.train
    }


def total(source: Folder) -> dict[str, int]:
    """How many images each class has, in all sets together."""
    counts = dict.fromkeys(source.class_names, 0)
    splits = source.load()
    sets = {id(images): images for images in splits.sets().values()}
    for images in sets.values():
        for label in images.labels[images.labels >= 0].tolist():
            counts[source.class_names[label]] += 1
    return counts
