"""One console for plain commands: a function with a docstring is a command, as `csl.commands.analyze` shows.

Parameters before the `*` stand on the line without a name, and may be left out there if they have a default. Others are
options: `--ks 1 10`, a flag for a `bool`, choices for a `Literal`. The docstring gives the help page: its description,
`Args:` and `Examples:`. `device: Device` and `bar: Bar` bring `--device` and `--quiet`. What is returned is printed;
`--json FILE` writes its `to_json()` beside the files that it was made from. A `ValueError` of csl ends the command with
one message.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from csl.commands.bar import Bar
from csl.commands.device import Device, chosen_device
from csl.commands.errors import end, reported
from csl.commands.signatures import Kind, kinds, parser_of
from csl.commands.speech import speak

JSON = "write everything as JSON; - for the screen instead of the table"


class Result(Protocol):
    """What a command found; `print` shows it.

    A result with a `fault`, a text that is not empty, ends the command with that message and status 1, after all else.
    """

    def to_json(self) -> Mapping[str, Any]:
        """Everything, with null where a number is not finite."""


def command(
    function: Callable[..., Result | None], more: Callable[[], str] | None = None
) -> Callable[[str, Sequence[str]], None]:
    """A function as a command: what `csl.cli` calls with the command's name and the rest of the line.

    Args:
        function: The command.
        more: The end of its help page, made only when somebody asks for the page.
    """

    def run(name: str, line: Sequence[str]) -> None:
        parser = parser_of(name, function, more)
        parser.add_argument("--json", metavar="FILE", help=JSON)
        options = vars(parser.parse_args(line))
        with reported(name), _in_terms_of(options):
            speak()
            target, found = options.pop("json"), kinds(function)
            if target not in (None, "-") and not Path(target).parent.is_dir():
                raise ValueError(f"--json: no folder {Path(target).parent}")
            result = function(**{name: _given(found[name], value) for name, value in options.items()})
            if result is not None:
                show(result, target, {name: options[name] for name in found if found[name].type is Path})
                if fault := getattr(result, "fault", ""):
                    end(name, fault, 1)

    return run


def show(result: Result, target: str | None, files: Mapping[str, Any]) -> None:
    """Print a result, or write it as JSON beside the files it was made from.

    Example:
        >>> from csl.metrics import analyze
        >>> show(analyze([[1.0, 0.0], [0.0, 1.0]], metrics=["rankme"]), None, {})
        2 samples of 2 dimensions, no labels; features normalised to length 1
        ...
    """
    if target:
        content = {**json.loads(json.dumps(files, default=str)), **result.to_json()}
        text = json.dumps(content, indent=2, allow_nan=False)
        if target == "-":
            print(text)
            return
        Path(target).write_text(f"{text}\n")
    print(result)


def _given(kind: Kind, value: Any) -> Any:
    """What the function gets for a word on the line."""
    if kind.type is Bar:
        return Bar(not value and sys.stderr.isatty())
    return chosen_device(value) if kind.type is Device else value


@contextmanager
def _in_terms_of(options: Mapping[str, Any]) -> Iterator[None]:
    """Let refusals of the library, which name arguments, name the options that these came from."""
    try:
        yield
    except ValueError as error:
        message = str(error)
        for name in options:
            option = f"--{name.replace('_', '-')}"
            message = message.replace(name, option) if "_" in name else message
            message = f"{option}{message.removeprefix(name)}" if message.startswith(f"{name}: ") else message
        error.args = (message,)
        raise
