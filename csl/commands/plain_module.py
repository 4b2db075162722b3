"""A plain module of torch as the encoder of a command line."""

from collections.abc import Sequence

from jsonargparse._util import import_object

from csl.commands.line import take_option
from csl.commands.names import class_path
from csl.encoders import Encoder

OPTION = "--model.encoder"


def as_backbone(line: Sequence[str]) -> list[str]:
    """A line on which an encoder that is a plain module stands inside a `Backbone`, which takes a file of weights.

    Example:
        >>> as_backbone(["--model.encoder", "torch.nn.Linear", "--model.encoder.in_features", "4"])[:4]
        ['--model.encoder', 'Backbone', '--model.encoder.model', 'torch.nn.Linear']
        >>> as_backbone(["--model.encoder", "ResNet", "--model.encoder.depth", "10"])
        ['--model.encoder', 'ResNet', '--model.encoder.depth', '10']
    """
    names, rest = take_option(line, OPTION)
    if not names or not _is_plain(names[-1]):
        return list(line)
    model = f"{OPTION}.model"
    options = [word.replace(OPTION, model, 1) if word.startswith(f"{OPTION}.") else word for word in rest]
    return [OPTION, "Backbone", model, names[-1], *options]


def _is_plain(name: str) -> bool:
    """Whether a name is that of something to be imported, and no encoder."""
    try:
        found = import_object(class_path(Encoder, name))
    except Exception:  # the parser says what is wrong with it
        return False
    return not (isinstance(found, type) and issubclass(found, Encoder))
