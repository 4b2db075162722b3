"""`csl analyze`: the whole panel on features from a file."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from csl.commands.suggest import did_you_mean

if TYPE_CHECKING:
    import torch

    from csl.metrics import Analysis

DESCRIPTION = """Measure how features from anywhere are organized: no training, no configuration, no GPU.

FILE holds one row of features for each image, and may hold the labels, too:
  .npz                 arrays, such as what csl predict writes
  .npy                 one matrix; labels come from --labels FILE
  .pt, .pth            tensors, or dicts and lists of them
  .safetensors         tensors
  .parquet             a column of lists, and a column of labels
Features are the array called features or embeddings, or the only matrix; labels are the array called labels, targets
or y, whole numbers or words. Nothing in a file is executed."""

EXAMPLES = """Examples
  csl analyze features.npz                                  the whole panel
  csl analyze clip.npy --labels classes.npy
  csl analyze embeddings.parquet --metrics rld calinski_harabasz --temperatures 0.5 0.1 0.05
  csl analyze both.safetensors --features-key image --labels-key class --json -

From Python
  from csl.metrics import analyze
  result = analyze(features, labels)      # arrays or tensors [N, D] and [N]
  print(result, result["rld_0.1"])"""


def run(command: str, line: Sequence[str]) -> None:
    """Carry out the command."""
    options = parser(command).parse_args(line)
    try:
        _run(options)
    except ValueError as error:
        if os.environ.get("CSL_TRACEBACK"):
            raise
        print(f"csl {command}: error: {_in_terms_of_options(str(error))}", file=sys.stderr)
        sys.exit(1)


def parser(command: str) -> argparse.ArgumentParser:
    """The options of the command."""
    from csl.metrics.analysis import KS, TEMPERATURES
    from csl.metrics.measures import MEASURES

    found = _Parser(
        prog=f"csl {command}",
        description=DESCRIPTION,
        epilog=f"{EXAMPLES}\n\nMeasures\n{_measures(MEASURES)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("file", metavar="FILE", help="the features, in one of the formats above")
    found.add_argument("--labels", metavar="FILE", help="labels in a file of their own; also .txt, one a line")
    found.add_argument("--features-key", metavar="NAME", help="the array that holds the features, where several could")
    found.add_argument("--labels-key", metavar="NAME", help="the array that holds the labels")
    found.add_argument(
        "--metrics", nargs="+", metavar="NAME", help="measures of the list below; the panel unless told otherwise"
    )
    found.add_argument(
        "--temperatures",
        nargs="+",
        type=float,
        metavar="T",
        default=TEMPERATURES,
        help=f"of relative local density; {_words(TEMPERATURES)} unless told otherwise",
    )
    found.add_argument(
        "--ks",
        nargs="+",
        type=int,
        metavar="K",
        default=KS,
        help=f"numbers of neighbours of neighbor_agreement; {_words(KS)} unless told otherwise",
    )
    found.add_argument("--json", metavar="FILE", help="write everything as JSON; - for the screen instead of the table")
    found.add_argument(
        "--device", metavar="NAME", help="where to compute, such as cpu or cuda:1; a GPU if there is one otherwise"
    )
    found.add_argument("--quiet", action="store_true", help="no progress bar")
    return found


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and which option may have been meant."""
        if message.startswith("unrecognized arguments: "):
            word = message.split()[2].split("=")[0]
            options = [option for action in self._actions for option in action.option_strings]
            message = f"unknown option {word}{did_you_mean(word, options, 0)}"
        print(f"{self.prog}: error: {message}", file=sys.stderr)
        sys.exit(2)


def _run(options: argparse.Namespace) -> None:
    from csl.io import read_features
    from csl.metrics import analyze
    from csl.metrics.measures import MEASURES

    for name in options.metrics or ():
        if name not in MEASURES:
            hint = did_you_mean(name, MEASURES, 0) or "; csl analyze --help lists them"
            raise ValueError(f"--metrics: no measure {name!r}{hint}")
    check_json(options.json)
    device = chosen_device(options.device)
    table = read_features(options.file, options.labels, options.features_key, options.labels_key)
    with Bar(not options.quiet and sys.stderr.isatty()) as watch:
        result = analyze(
            table.values.to(device),
            None if table.labels is None else table.labels.to(device),
            metrics=options.metrics,
            temperatures=options.temperatures,
            ks=options.ks,
            watch=watch,
        )
    if options.json:
        write_json(result, options)
    if options.json != "-":
        print(result)


def chosen_device(name: str | None) -> "torch.device":
    """Where to compute.

    Raises:
        ValueError: If there is no such device on this machine.
    """
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"--device: no device {name!r} on this machine; cpu is on every one") from error
    return device


def check_json(path: str | None) -> None:
    """Refuse a place where nothing can be written, before hours are spent.

    Raises:
        ValueError: If its folder does not exist.
    """
    if path and path != "-" and not Path(path).parent.is_dir():
        raise ValueError(f"--json: no folder {Path(path).parent}")


def write_json(result: "Analysis", options: argparse.Namespace) -> None:
    """Write the result beside what it was made from."""
    content = {"file": str(options.file), "labels": options.labels, **result.to_json()}
    text = json.dumps(content, indent=2, allow_nan=False)
    if options.json == "-":
        print(text)
    else:
        Path(options.json).write_text(f"{text}\n")


class Bar:
    """A progress bar over all measures, with the time that is left, on standard error.

    Args:
        visible: Whether there is one at all.

    Example:
        >>> with Bar(visible=False) as watch:
        ...     watch("rld", 0.5)
    """

    def __init__(self, visible: bool) -> None:
        from tqdm import tqdm

        layout = "{desc:<20} {percentage:3.0f}%|{bar}| {elapsed} so far, {remaining} left"
        self._bar: Any = tqdm(total=1.0, disable=not visible, leave=False, bar_format=layout, delay=1.0)

    def __enter__(self) -> Callable[[str, float], None]:
        return self._show

    def __exit__(self, *error: object) -> None:
        self._bar.close()

    def _show(self, name: str, share: float) -> None:
        self._bar.set_description_str(name, refresh=False)
        self._bar.update(share - self._bar.n)


def _measures(measures: Any) -> str:
    """The list of all measures for the help page."""
    width = max(map(len, measures))
    lines = []
    for name, measure in measures.items():
        mark = " " if measure.in_default else "*"
        lines.append(f"  {name:<{width}} {mark} {measure.family}; {measure.meaning}")
    return "\n".join([*lines, "  (* only where --metrics names it)"])


def _in_terms_of_options(message: str) -> str:
    """A message of the library in the words of the command line."""
    for argument in ("features_key", "labels_key"):
        message = message.replace(argument, f"--{argument.replace('_', '-')}")
    if message.startswith("labels must be known"):
        message += (
            "; leave these rows out of the file, or name measures that need no labels: --metrics rankme uniformity"
        )
    return message


def _words(values: Sequence[float]) -> str:
    return " ".join(map(str, values))
