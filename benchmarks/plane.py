"""Where the methods lie in the plane of local and global density: a picture of the rows that `benchmarks.methods` made.

python -m benchmarks.plane configs/digits configs/mnist configs/cifar10/cpu
"""

import argparse
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import LogFormatter, ScalarFormatter

from benchmarks.machine import RESULTS
from benchmarks.method_rows import Experiment
from csl.figures.style import class_colors, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RLD, CHS = "val/rld_0.1", "val/calinski_harabasz"
FAMILIES = {
    "labels": ("Supervised", "SupCon"),
    "negatives": (
        "SimCLR",
        "MoCo",
        "MoCoV3",
        "DCL",
        "NNCLR",
        "SpectralContrastive",
        "TSimCNE",
        "CMC",
        "NPID",
        "ExemplarCNN",
        "All4One",
    ),
    "clusters": ("SwAV", "DINO", "DISSL"),
    "no negatives": ("BYOL", "SimSiam"),
    "covariance": ("BarlowTwins", "VICReg", "WMSE", "TiCo", "MMCR", "LeJEPA", "SimDINO", "EMPSSL"),
    "parts of an image": ("CPC", "DIM", "AMDIM", "MAE"),
    "no training": ("raw pixels", "untrained encoder"),
}
FAMILY_OF = {method: family for family, methods in FAMILIES.items() for method in methods}
COLORS = dict(zip(FAMILIES, class_colors(len(FAMILIES)), strict=True)) | {"no training": "black"}


def main() -> None:
    """Read the rows and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("configs", type=Path, nargs="+", help="folders of configs, such as configs/digits")
    experiments = [Experiment(folder) for folder in parser.parse_args().configs]
    file = RESULTS / "methods-plane.png"
    picture({one.name: points(one) for one in experiments}).savefig(file, dpi=110)
    print(file)


def points(experiment: Experiment) -> dict[str, tuple[float, float]]:
    """RLD and Calinski-Harabasz score of each method on held-out images, the mean over seeds."""
    return {
        name: (fmean(row.scalars[RLD] for row in rows), fmean(row.scalars[CHS] for row in rows))
        for name, rows in experiment.by_name().items()
    }


def picture(experiments: dict[str, dict[str, tuple[float, float]]]) -> "Figure":
    """One panel for each experiment; names stand at its right edge, in the order of their points."""
    figure = new_figure(5.2 * len(experiments), 5.4)
    for axes, (name, found) in zip(np.ravel(figure.subplots(1, len(experiments))), experiments.items(), strict=True):
        panel(axes, name, found)
    marks = [figure.axes[0].scatter([], [], color=[COLORS[family]], s=30, label=family) for family in FAMILIES]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(FAMILIES), frameon=False, fontsize=10)
    return figure


def panel(axes: Any, name: str, found: dict[str, tuple[float, float]]) -> None:
    """The points of one experiment, and a line from each to its name."""
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    order = sorted(found, key=lambda method: found[method][1])
    for place, method in zip(np.linspace(0.02, 0.98, len(order)), order, strict=True):
        color = COLORS[FAMILY_OF[method]]
        axes.scatter(*found[method], color=[color], s=34, zorder=3, edgecolor="white", linewidth=0.6)
        axes.annotate(
            method,
            found[method],
            (1.04, place),
            textcoords="axes fraction",
            color=color,
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": color, "alpha": 0.35, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 2},
        )
    axes.set_title(name, fontsize=11)
    axes.set_xlabel("local density: RLD at T = 0.1")
    axes.set_ylabel("global density: Calinski-Harabasz score")
    axes.grid(alpha=0.25, linewidth=0.6, which="both")
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main()
