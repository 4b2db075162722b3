"""`csl analyze`: the whole panel on features from a file."""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from csl.commands.bar import Bar
from csl.commands.console import command
from csl.commands.device import Device
from csl.commands.suggest import did_you_mean
from csl.table import aligned

if TYPE_CHECKING:
    from torch import Tensor

    from csl.commands.estimated import Estimated
    from csl.commands.probed import ProbedAnalysis
    from csl.io import FeatureTable
    from csl.metrics import Analysis, Similarity
    from csl.metrics.measure import Measure

ADVICE = "leave these rows out of the file, or name measures that need no labels: --metrics rankme uniformity"


def analyze(
    file: Path,
    other: Path | None = None,
    *,
    test: Path | None = None,
    labels: Path | None = None,
    features_key: str | None = None,
    labels_key: str | None = None,
    metrics: Sequence[str] | None = None,
    normalize: Literal["true", "false"] = "true",
    temperatures: Sequence[float] = (1.0, 0.2, 0.1),
    ks: Sequence[int] = (1, 10, 100),
    per_sample: Path | None = None,
    estimate: Annotated[int | None, "ROWS"] = None,
    device: Device,
    bar: Bar,
) -> "Analysis | Estimated | ProbedAnalysis | Similarity":
    """Measure how features from anywhere are organized: no training, no configuration, no GPU.

    With --test TEST, probes are fitted on FILE and scored on TEST, whose features are then what is measured: linear,
    kNN, GCN and label propagation.

    With a second file, OTHER, which holds features of the same images in the same order from another encoder, the two
    are compared instead: linear CKA, Procrustes similarity, shares of common neighbours, and information imbalance.
    Where both files have names or labels, these have to agree.

    With --estimate ROWS, relative local density alone is estimated instead, from this many rows and their pairs with
    all others, with a standard error and an interval. The time of the exact value grows with the square of the number
    of samples; from some 100,000 on the estimate pays. 5000 rows are a good start; four times as many halve the error.

    FILE holds one row of features for each image, and may hold the labels, too:
      .npz                 arrays, such as what csl predict writes
      .npy                 one matrix, which stays in the file; labels come from --labels FILE
      .pt, .pth            tensors, or dicts and lists of them
      .safetensors         tensors
      .parquet             a column of lists, and a column of labels
      .csv, .tsv           columns of numbers, and a column of labels
    Features are the array called features or embeddings, or the only matrix; labels are the array called labels,
    targets or y, whole numbers or words. Nothing in a file is executed.

    FILE may also be a folder of such files, as csl predict --shard_size writes them. Where memory has no room for the
    rows, what looks at a block of them at a time is measured (marked + below).

    Args:
        file: the features, in one of the formats above
        other: features of the same images from another encoder, to be compared with FILE
        test: held-out features with labels; probes are fitted on FILE and scored on these
        labels: labels in a file of their own; also .txt, one a line
        features_key: the array that holds the features, where several could
        labels_key: the array that holds the labels
        metrics: measures of the list below, or one of your own, as my_measure.MINE; the panel unless told otherwise
        normalize: measure the features with length 1, as the paper does; false for features as they are
        temperatures: of relative local density
        ks: numbers of neighbours of neighbor_agreement, and of mutual_neighbors where two files are compared
        per_sample: a CSV file to write, a row a sample with its name and label: what it adds to rld (the column adds up
            to it), the share of its k nearest that have its class, and its margin (cosine to the nearest of its class
            less that to the nearest of another); low ones are hard or wrongly labelled
        estimate: only estimate rld, from this many rows, such as 5000; for very large files
        device: where to compute
        bar: how far the work is

    Examples:
        csl analyze features.npz                                  the whole panel
        csl analyze clip.npy --labels classes.npy
        csl analyze train.npz --test test.npz                     probes, too, fitted on the one and scored on the other
        csl analyze embeddings.parquet --metrics rld calinski_harabasz --temperatures 0.5 0.1 0.05
        csl analyze simclr.npz supervised.npz                     how alike two encoders are
        csl analyze features.npz --per-sample scores.csv          which images are hard
        csl analyze large.npz --estimate 5000                     rld of very many samples, with its interval
        csl analyze both.safetensors --features-key image --labels-key class --json -

        From Python
          from csl.metrics import analyze
          result = analyze(features, labels)      # arrays or tensors [N, D] and [N]
          print(result, result["rld_0.1"])
    """
    from csl.commands.probed import ProbedAnalysis, held_out
    from csl.commands.twins import write_scores
    from csl.io import read_features
    from csl.metrics import analyze as measure
    from csl.metrics import per_sample as scores_of
    from csl.probes import fit_probes

    alone = {"test": test, "metrics": metrics, "per_sample": per_sample}
    if other is not None:
        _refuse({**alone, "labels": labels, "estimate": estimate}, "one file, got two, which are only compared")
        keys = features_key, labels_key
        pair = read_features(file, None, *keys), read_features(other, None, *keys)
        return _compared(pair, other, ks, normalize == "true", device, bar)
    if estimate is not None:
        _refuse(alone, "no --estimate, which gives relative local density alone")
        return _estimated(
            read_features(file, labels, features_key, labels_key),
            temperatures,
            estimate,
            normalize == "true",
            device,
            bar,
        )
    chosen = None if metrics is None else [measure_called(name) for name in metrics]
    train = read_features(file, labels, features_key, labels_key)
    table = train if test is None else held_out(train, read_features(test, None, features_key, labels_key), test)
    known = None if table.labels is None else table.labels.to(device)
    if per_sample is not None and known is None:
        raise ValueError("per_sample: expected labels in FILE, got none; --labels takes them from another file")
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
            if per_sample is not None and known is not None:
                watch("per sample", 1.0)
                lengths = normalize == "true"
                values = table.values.to(device)
                scores = scores_of(values, known, temperatures=temperatures, ks=ks, normalize=lengths)
                write_scores(per_sample, table, scores)
            if test is None:
                return found
            fitted, scored = (_on(device, one, normalize == "true") for one in (train, table))
            return ProbedAnalysis(found, fit_probes(fitted, scored, watch=watch))
    except ValueError as error:
        if str(error).startswith("labels: expected a class"):
            error.args = (f"{error}; {ADVICE}",)
        raise


def _refuse(options: Mapping[str, object], expected: str) -> None:
    """Refuse options that have no meaning here."""
    for name, value in options.items():
        if value is not None:
            raise ValueError(f"{name}: expected {expected}")


def _estimated(
    table: "FeatureTable", temperatures: Sequence[float], rows: int, normalize: bool, device: Device, bar: Bar
) -> "Estimated":
    from csl.commands.estimated import estimated

    if table.labels is None:
        raise ValueError("estimate: expected labels in FILE, got none; --labels takes them from another file")
    features, labels = _on(device, table, normalize)
    with bar as watch:
        return estimated(features, labels, temperatures, rows, normalize, watch)


def _compared(
    pair: "tuple[FeatureTable, FeatureTable]", other: Path, ks: Sequence[int], normalize: bool, device: Device, bar: Bar
) -> "Similarity":
    from csl.commands.twins import check_twins
    from csl.metrics import similarity

    check_twins(*pair, other)
    first, second = (one.values.to(device) for one in pair)
    with bar as watch:
        return similarity(first, second, ks=ks, normalize=normalize, watch=watch)


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
        [f"  {name}", _marks(measure), f"{measure.family}; {measure.meaning}"] for name, measure in MEASURES.items()
    ]
    head = "Measures (*: only where --metrics names it; +: features may be larger than memory)"
    return "\n".join([head, *aligned(rows, "lll", [0, 2, 0])])


def _marks(measure: "Measure") -> str:
    return ("" if measure.in_default else "*") + ("+" if measure.by_blocks else "")


run = command(analyze, measures)
