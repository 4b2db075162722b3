"""Folders of small images whose classes differ in colour."""

from pathlib import Path

import numpy as np
from PIL import Image


def write_folder(root: Path, classes: int, train: int, val: int, size: int = 12) -> None:
    """`train/<class>/*.png` and `val/<class>/*.png`."""
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("val", val)):
        for label in range(classes):
            folder = root / part / f"class_{label}"
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.integers(0, 120, (size, size, 3))
                pixels[..., label % 3] += 120
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
