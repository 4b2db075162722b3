"""A command line, completed by what it leaves out."""

import json
import logging
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import yaml
from lightning.pytorch import LightningDataModule

from csl.commands.classes import import_class, options, parser_of
from csl.commands.files import Stated, stated_by
from csl.commands.line import has_option, take_option
from csl.commands.names import class_path
from csl.data import ImageSource
from csl.encoders import Encoder
from csl.methods import Method
from csl.methods.usual import Usual

log = logging.getLogger(__name__)


class Slot(NamedTuple):
    """A place in a configuration that a class can be chosen for."""

    option: str
    keys: tuple[str, ...]
    base: type


MODEL = Slot("--model", ("model",), Method)
ENCODER = Slot("--model.encoder", ("model", "encoder"), Encoder)
DATA = Slot("--data", ("data",), LightningDataModule)
SOURCE = Slot("--data.source", ("data", "source"), ImageSource)
# Sections come before the classes in them, and all before single options, which find the class they belong to.
SECTIONS = ("--model", "--data", "--model.encoder", "--data.source")
# By encoder: sizes for images of 8 pixels, with which minutes on 2 CPU cores are enough.
SMALL: dict[str, dict[str, int]] = {
    "LocalNet": {"width": 16},
    "PatchResNet": {"depth": 10, "width": 32},
    "ViT": {"patch_size": 2, "depth": 4, "heads": 4, "width": 128, "mlp_width": 256},
}


def complete(line: Sequence[str]) -> list[str]:
    """A line completed by what it and its files leave out: SimCLR, Digits, an encoder and a length that fit them.

    A data module of the user's own goes without a source, unless it takes one.

    Defaults come first, then the files in their order, then the line; so a file adds to the defaults, and the line wins
    over the files. Where another class is chosen than a file states, only what all classes of its kind have is kept.
    Options of the encoder come behind the files, which may name another class, unless they state them.

    Example:
        >>> complete(["--data.source", "Folder", "--data.batch_size", "64"])[:6]
        ['--model', 'SimCLR', '--model.encoder', 'ResNet', '--data.source', 'Folder']
    """
    configs, sections, rest = _parts(line)
    stated = _stated(configs, sections)
    data, model, encoder, source = _classes(line, stated)
    names = [(MODEL, model), (ENCODER, encoder), *([(SOURCE, source)] if source else [])]
    defaults = [word for slot, name in names for word in _left_out(stated, slot, name)]
    head = [MODEL.option, model]
    if _takes(MODEL, model, "encoder"):
        head += [ENCODER.option, encoder]
        defaults += _encoder_options(stated, model, encoder, source)
    head += [DATA.option, data] if data else []
    head += [SOURCE.option, source] if source else []
    head += _digits(model, data) if _is_digits(source) else []
    head += _usual_augmentation(model, data)
    return [*head, *(word for config in configs for word in ("--config", config)), *sections, *defaults, *rest]


def chosen(line: Sequence[str]) -> list[str]:
    """The options that a line and its files leave open and csl chooses; not the length and the rates of a training.

    Example:
        >>> chosen(["--model", "MAE", "--data.source", "Folder"])
        ['--model.encoder ViT', '--model.encoder.dropout 0.0', '--model.encoder.pooling mean']
    """
    stated = _stated(*_parts(line)[:2])
    data, model, encoder, source = _classes(line, stated)
    words = [] if _chosen(stated, MODEL) else [MODEL.option, model]
    if _takes(MODEL, model, "encoder"):
        words += [] if _chosen(stated, ENCODER) else [ENCODER.option, encoder]
        words += _encoder_options(stated, model, encoder, source)
    words += [SOURCE.option, source] if source and not _chosen(stated, SOURCE) else []
    words += _usual_augmentation(model, data)
    in_files = {
        f"--data.augmentation.{name}" for part in stated for name in part.at("data", "augmentation").arguments()
    }
    return [
        f"{option} {value}"
        for option, value in zip(words[::2], words[1::2], strict=True)
        if not has_option(line, option) and option not in in_files
    ]


def data_class(line: Sequence[str]) -> str:
    """The class of data module that a line or its files name; empty where that is left to csl.

    Example:
        >>> data_class(["--data", "my_data.MyData"]), data_class(["--data.batch_size", "8"])
        ('my_data.MyData', '')
    """
    configs, sections, rest = _parts(line)
    shown, _ = take_option(rest, f"{DATA.option}.help")
    return _chosen(_stated(configs, sections), DATA) or "".join(shown[-1:])


def _parts(line: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The files of a line, its sections with their options, and the rest."""
    configs, rest = take_option(line, "--config", "-c")
    sections: list[str] = []
    for option in SECTIONS:
        values, rest = take_option(rest, option)
        sections += [word for value in values[-1:] for word in (option, value)]
    return configs, sections, rest


def _stated(configs: Sequence[str], sections: Sequence[str]) -> list[Stated]:
    on_line = zip(sections[::2], sections[1::2], strict=True)
    return [*map(stated_by, configs), *(_stated_on_line(option, value) for option, value in on_line)]


def _stated_on_line(option: str, value: str) -> Stated:
    """A section or a class that the line names, as a file would state it."""
    part: Any = value
    for key in reversed(option.removeprefix("--").split(".")):
        part = {key: part}
    return Stated(part)


def _chosen(stated: Sequence[Stated], slot: Slot) -> str:
    """The class that is stated last; empty if none is."""
    return next((name for part in reversed(stated) if (name := part.at(*slot.keys).class_name())), "")


def _classes(line: Sequence[str], stated: Sequence[Stated]) -> tuple[str, str, str, str]:
    """The data module, empty for csl's own, the method, the encoder, and the source, if any."""
    data = data_class(line)
    source = _chosen(stated, SOURCE) or ("Digits" if not data or _takes(DATA, data, "source") else "")
    model = _chosen(stated, MODEL) or "SimCLR"
    suited = _usual(model).encoder or ("ConvNet" if _is_digits(source) else "ResNet")
    return data, model, _chosen(stated, ENCODER) or suited, source


def _encoder_options(stated: Sequence[Stated], model: str, encoder: str, source: str) -> list[str]:
    """Options of the encoder, without those that files state for it: what suits the method, and small images.

    What suits the method holds for the class that it is for, named or not; sizes for small images where none is named.
    """
    usual = _usual(model)
    is_usual = usual.encoder and _path(ENCODER, encoder) == _path(ENCODER, usual.encoder)
    chosen = dict(usual.options) if is_usual else {}
    if _is_digits(source) and not _chosen(stated, ENCODER):
        chosen |= SMALL.get(encoder, {})
    own = {name for _, name, is_chosen in _stated_for(stated, ENCODER, encoder) if is_chosen}
    return [word for key in chosen if key not in own for word in (f"{ENCODER.option}.{key}", str(chosen[key]))]


def _usual_augmentation(model: str, data: str) -> list[str]:
    """Strengths of augmentation that suit the method, for csl's own data module."""
    strengths = _usual(model).augmentation if data.rpartition(".")[2] in ("", "ImageDataModule") else {}
    return [word for name in strengths for word in (f"--data.augmentation.{name}", str(strengths[name]))]


def _usual(model: str) -> Usual:
    """What the method usually takes; nothing for a class that cannot be imported, of which the parser will speak."""
    try:
        kind = import_class(_path(MODEL, model))
    except Exception:
        return Usual()
    return kind.usual if isinstance(kind, type) and issubclass(kind, Method) else Usual()


def _is_digits(source: str) -> bool:
    return source.rpartition(".")[2] == "Digits"


def _digits(model: str, data: str) -> list[str]:
    """What holds for the digits."""
    config = yaml.safe_load(files("csl.commands").joinpath("digits.yaml").read_text())
    if not (_path(MODEL, model).startswith("csl.") and _takes(MODEL, model, "optimization")):
        del config["model"]
    if data:
        config["data"] = {"class_path": data, "init_args": config["data"]}
    return ["--config", json.dumps(config)]


def _left_out(stated: Sequence[Stated], slot: Slot, chosen: str) -> list[str]:
    """Words that set back what files state for another class than the chosen one, which is said.

    Only what every class of the slot has is kept, such as a method's encoder and optimization: options of the same name
    in two classes need not mean the same, and their defaults differ.
    """
    base = f"{slot.base.__module__}.{slot.base.__qualname__}"
    shared = {name.partition(".")[0] for name in options(parser_of(base))}
    others = [(old, name) for old, name, is_chosen in _stated_for(stated, slot, chosen) if not is_chosen]
    own = {name for _, name, is_chosen in _stated_for(stated, slot, chosen) if is_chosen}
    foreign = sorted({(old, name) for old, name in others if not (name in shared and _takes(slot, chosen, name))})
    for old in sorted({old for old, _ in foreign}):
        names = ", ".join(name for other, name in foreign if other == old)
        log.info(f"{slot.option} {chosen}: left out is what is stated for {old}: {names}")
    back = sorted({name for _, name in foreign} - own)
    return [word for name in back for word in _default(slot, chosen, name)]


def _stated_for(stated: Sequence[Stated], slot: Slot, chosen: str) -> Iterator[tuple[str, str, bool]]:
    """Each option of a class that is stated: the class, the option, and whether the class is the chosen one."""
    current = ""
    for part in stated:
        found = part.at(*slot.keys)
        current = found.class_name() or current
        is_chosen = _path(slot, current or chosen) == _path(slot, chosen)
        yield from ((current, name, is_chosen) for name in found.arguments())


def _default(slot: Slot, chosen: str, name: str) -> list[str]:
    """An option and the chosen class's own default for it; nothing where it has no such option, or no default."""
    if not _takes(slot, chosen, name):
        return []
    actions = {action.dest: action for action in parser_of(_path(slot, chosen))._actions}
    if name not in actions or actions[name].required:
        return []
    return [f"{slot.option}.{name}", json.dumps(actions[name].default)]


def _takes(slot: Slot, name: str, argument: str) -> bool:
    """Whether a class has an argument; yes for a class that cannot be found, of which the parser will speak."""
    try:
        return argument in options(parser_of(_path(slot, name)))
    except Exception:
        return True


def _path(slot: Slot, name: str) -> str:
    try:
        return class_path(slot.base, name)
    except ValueError:
        return name
