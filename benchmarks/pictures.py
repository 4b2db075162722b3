"""Puts the last pictures of runs, as TensorBoard shows them, side by side in one PNG file."""

import argparse
import io
from pathlib import Path

from PIL import Image

from csl.runs import Run


def main() -> None:
    """Read the runs' logs and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path, help="the PNG file to write")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--tags", nargs="+", default=["val/feature_map"], help="pictures (default: val/feature_map)")
    parser.add_argument("--height", type=int, default=560, help="height in pixels (default: 560)")
    options = parser.parse_args()
    pictures = [scaled(last_picture(run, tag), options.height) for run in options.runs for tag in options.tags]
    strip = Image.new("RGB", (sum(picture.width for picture in pictures), options.height), "white")
    left = 0
    for picture in pictures:
        strip.paste(picture, (left, 0))
        left += picture.width
    strip.save(options.output, optimize=True)


def last_picture(run: Path, tag: str) -> Image.Image:
    """The picture that a run logged last under a tag."""
    pictures = Run(run).pictures(tag)
    return Image.open(io.BytesIO(pictures[max(pictures)])).convert("RGB")


def scaled(picture: Image.Image, height: int) -> Image.Image:
    """The picture at another height."""
    return picture.resize((round(picture.width * height / picture.height), height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
