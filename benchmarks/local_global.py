"""Draws local against global density: encoders side by side on the same images, with what the measures say of each.

    csl fit
    csl fit --model Supervised
    python -m benchmarks.local_global docs/images/local-global.png \
        lightning_logs/simclr-digits/version_0 lightning_logs/supervised-digits/version_0 --names SimCLR Supervised

The upper maps (t-SNE) keep neighbourhoods, the lower ones (PCA) the distances of whole classes.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from csl.commands.names import use_short_names
from csl.figures.map_grid import Panel, map_grid
from csl.metrics.functional import calinski_harabasz_score, relative_local_density
from csl.study.layouts import layouts
from csl.study.maps import Map, aligned_maps
from csl.study.subjects import Subject, of_length_one, read_subjects, same_samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 900


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, draw, and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="the PNG file to write")
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs on the same images")
    parser.add_argument("--names", nargs="*", default=[], help="what to call them (default: their folders)")
    options = parser.parse_args(arguments)
    use_short_names()
    subjects = [of_length_one(subject) for subject in read_subjects(options.runs)]
    same_samples(subjects, "train")
    names = options.names or [subject.name for subject in subjects]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    figure = local_global(subjects, names)
    figure.savefig(options.output, dpi=WIDTH / figure.get_figwidth(), pil_kwargs={"optimize": True})


def local_global(subjects: Sequence[Subject], names: Sequence[str]) -> "Figure":
    """Two maps of each encoder's training images, with its local and its global density."""
    ways = layouts(["tsne", "pca"], [25], len(subjects[0].part("train").labels))
    neighborhoods, wholes = aligned_maps(subjects, "train", ways)
    named = zip(neighborhoods, names, strict=True)
    upper = [_panel(one, name, f"neighbours: RLD(0.1) {_rld(one):.3f}") for one, name in named]
    lower = [_panel(one, "", f"whole classes: CHS {_chs(one):,.0f}") for one in wholes]
    return map_grid([upper, lower], subjects[0].class_names)


def _panel(one: Map, title: str, note: str) -> Panel:
    side = one.layout.name.split(",")[0]
    return Panel(title, side, note, one.points, one.subject.part("train").labels.numpy()[one.samples])


def _rld(one: Map) -> float:
    images = one.subject.part("train")
    return float(relative_local_density(images.features, images.labels, 0.1))


def _chs(one: Map) -> float:
    images = one.subject.part("train")
    return float(calinski_harabasz_score(images.features, images.labels))


if __name__ == "__main__":
    main()
