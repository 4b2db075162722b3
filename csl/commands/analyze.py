"""`csl analyze`: the whole panel on features from a file."""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.suggest import did_you_mean
from csl.table import aligned

if TYPE_CHECKING:
    from torch import Tensor

    from csl.commands.probed import ProbedAnalysis
    from csl.io import FeatureTable
    from csl.metrics import Analysis
    from csl.metrics.measure import Measure

ADVICE = "leave these rows out of the file, or name measures that need no labels: --metrics rankme uniformity"


def analyze(
    file: Path,
    *,
    test: Path | None = None,
    labels: Path | None = None,
    features_key: str | None = None,
    labels_key: str | None = None,
    metrics: Sequence[str] | None = None,
    normalize: Literal["true", "false"] = "true",
    temperatures: Sequence[float] = (1.0, 0.2, 0.1),
    ks: Sequence[int] = (1, 10, 100),
    device: Device,
    bar: Bar,
) -> "Analysis | ProbedAnalysis":
    """Measure how features from anywhere are organized: no training, no configuration, no GPU.

    With --test TEST, probes are fitted on FILE and scored on TEST, whose features are then what is measured: linear,
    kNN, GCN and label propagation.

    FILE holds one row of features for each image, and may hold the labels, too:
      .npz                 arrays, such as what csl predict writes
      .npy                 one matrix; labels come from --labels FILE
      .pt, .pth            tensors, or dicts and lists of them
      .safetensors         tensors
      .parquet             a column of lists, and a column of labels
      .csv, .tsv           columns of numbers, and a column of labels
    Features are the array called features or embeddings, or the only matrix; labels are the array called labels,
    targets or y, whole numbers or words. Nothing in a file is executed.

    Args:
        file: the features, in one of the formats above
        test: held-out features with labels; probes are fitted on FILE and scored on these
        labels: labels in a file of their own; also .txt, one a line
        features_key: the array that holds the features, where several could
        labels_key: the array that holds the labels
        metrics: measures of the list below, or one of your own, as my_measure.MINE; the panel unless told otherwise
        normalize: measure the features with length 1, as the paper does; false for features as they are
        temperatures: of relative local density
        ks: numbers of neighbours of neighbor_agreement
        device: where to compute
        bar: how far the work is

    Examples:
        csl analyze features.npz                                  the whole panel
        csl analyze clip.npy --labels classes.npy
        csl analyze train.npz --test test.npz                     probes, too, fitted on the one and scored on the other
        csl analyze embeddings.parquet --metrics rld calinski_harabasz --temperatures 0.5 0.1 0.05
        csl analyze both.safetensors --features-key image --labels-key class --json -

        From Python
          from csl.metrics import analyze
          result = analyze(features, labels)      # arrays or tensors [N, D] and [N]
          print(result, result["rld_0.1"])
    """
    from csl.commands.probed import ProbedAnalysis, held_out
    from csl.io import read_features
    from csl.metrics import analyze as measure
    from csl.probes import fit_probes

    chosen = None if metrics is None else [measure_called(name) for name in metrics]
    train = read_features(file, labels, features_key, labels_key)
    table = train if test is None else held_out(train, read_features(test, None, features_key, labels_key), test)
    known = None if table.labels is None else table.labels.to(device)
    try:
        with bar as watch:
            found = measure(
                table.values.to(device),
                known,
                metrics=chosen,
                normalize=normalize == "true",
                temperatures=temperatures,
                ks=ks,
                watch=watch,
                expect=bar.expect,
            )
            if test is None:
                return found
            fitted, scored = (_on(device, one, normalize == "true") for one in (train, table))
            return ProbedAnalysis(found, fit_probes(fitted, scored, watch=watch))
    except ValueError as error:
        if str(error).startswith("labels: expected a class"):
            error.args = (f"{error}; {ADVICE}",)
        raise


def _on(device: Device, table: "FeatureTable", normalize: bool) -> "tuple[Tensor, Tensor]":
    from csl.metrics.directions import directions

    assert table.labels is not None  # a file without was refused
    values = table.values.to(device)
    return directions(values, values.dtype) if normalize else values, table.labels.to(device)


def measure_called(name: str) -> "Measure":
    """A declared measure by its name, or one of a module of your own by its place.

    Raises:
        ValueError: If there is none.
    """
    from csl.metrics.measure import Measure
    from csl.metrics.measures import MEASURES

    if name in MEASURES:
        return MEASURES[name]
    module, _, constant = name.rpartition(".")
    if module:
        sys.path.insert(0, str(Path.cwd()))
        try:
            found = getattr(import_module(module), constant, None)
        except ModuleNotFoundError as error:
            raise ValueError(f"metrics: expected a measure in {name!r}; {error}") from error
        finally:
            sys.path.remove(str(Path.cwd()))
        if isinstance(found, Measure):
            return found
        raise ValueError(f"metrics: expected a measure in {name!r}, got {found!r}")
    hint = did_you_mean(name, MEASURES, 0) or "; csl analyze --help lists them"
    raise ValueError(f"metrics: expected a measure, got {name!r}{hint}")


def measures() -> str:
    """The list of all measures, for the help page."""
    from csl.metrics.measures import MEASURES

    rows = [
        [f"  {name}", "" if measure.in_default else "*", f"{measure.family}; {measure.meaning}"]
        for name, measure in MEASURES.items()
    ]
    return "\n".join(["Measures (*: only where --metrics names it)", *aligned(rows, "lll", [0, 1, 0])])


run = command(analyze, measures)
