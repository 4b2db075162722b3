"""The parser's errors, said again as what was expected, what came, and where it was written."""

import os
import pkgutil
import re
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

import csl
from csl.commands.classes import class_names, classes_in, classes_with, modules_in, options, parser_of
from csl.commands.configs import named_configs
from csl.commands.faults import Fault
from csl.commands.line import take_option
from csl.commands.places import CONFIG_FILES, STRUCTURE, config_files, entries, kind, unreadable, written
from csl.commands.suggest import did_you_mean

# Python's types in plain words.
WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list": "a list",
    "collections.abc.Sequence": "a list",
    "dict": "a mapping",
    "datetime.timedelta": "a duration",
}
EXPECTED = re.compile(
    r"Expected an? (?:<class '([\w.]+)'>|typing\.Literal\[([^]]*)\])(?:\. Got value: (.*))?", re.DOTALL
)
UNKNOWN = re.compile(
    r"unrecognized arguments: (\S+)|(?:Group '(\w+)' does not accept o|Subcommand '\w+' does not accept o|O)ption "
    r"'([^']+)'"
)
# What every class of a section has.
SECTIONS = {"model": "csl.methods.Method", "data": "csl.data.ImageDataModule"}
_FEW = 10  # classes that a message lists
# Files that an error goes through on its way from a user's module.
MACHINERY = ("jsonargparse", "importlib", "argparse.py", str(Path(csl.__file__).parent))


def explain(error: BaseException, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A fault in a configuration, in one sentence.

    Args:
        error: What jsonargparse raised.
        parser: The command's parser, which knows all of its options.
        line: The words behind the command.
    """
    fault = Fault.of(error)
    for file in config_files(line):
        if os.path.isfile(file) and (problem := unreadable(file)):
            return problem
    for say in (_python_file, _users_code, _class, _option, _missing, _value, _file):
        if message := say(fault, parser, line):
            return message
    first = re.sub(r'^Parser key "[^"]+":\s*|^argument ', "", str(fault.errors[0])).partition("\n")[0]
    first = first.replace("expected one argument", "expected a value after it")
    return f"{written(line, fault.key)}: {first}" if fault.key else first


def _users_code(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """An error in the file that a class was looked for in, with its place there."""
    for error in fault.errors:
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if not any(part in frame.filename for part in MACHINERY)]
        if isinstance(error, SyntaxError):
            place, said = (error.filename, error.lineno), error.msg
        elif any(frame.name == "<module>" for frame in own):
            place, said = (own[-1].filename, own[-1].lineno), str(error)
        else:
            continue
        path = str(fault.class_path or fault.value)
        where, file = written(line, fault.key, path), _near(str(place[0]))
        return f"{where}: cannot import {path}: {file}, line {place[1]}: {type(error).__name__}: {said}"
    return ""


def _python_file(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A file of Python where a class of it should be named, which the parser takes for a configuration."""
    for word in (word.rpartition("=")[2] for word in line):
        if word.endswith(".py") and os.path.isfile(word) and _before(word, line) == fault.key:
            names = re.findall(r"^class (\w+)", Path(word).read_text(errors="replace"), re.MULTILINE)
            which = ", ".join(f"{word}:{name}" for name in names) or "none"
            return f"--{fault.key}: expected a class, got a file of Python; the classes in it: {which}"
    return ""


def _class(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A name that is no class, or not one that can stand there."""
    sources = class_names(parser_of(SECTIONS["data"]), "source")
    for given in take_option(line, "--data.source")[0][-1:]:
        if fault.key == "data.source" and os.path.isdir(given) and given not in sources:
            words = f"--data.source Folder --data.source.root {given}"
            return f"--data.source: expected a source of images, got a folder: {words}"
    for error in fault.errors:
        text, path = str(error), str(fault.class_path or fault.value)
        if found := re.match(r"Expected a dot import path string: (\S+)", text):
            key = fault.key or _before(found[1], line)
            if key == "data" and found[1] in sources:
                return f"{written(line, key, found[1])}: {found[1]} is a source of images, which goes to data.source"
            hint = did_you_mean(found[1], class_names(*_owner(fault, parser, line)))
            return f"{written(line, key, found[1])}: unknown name {found[1]!r}{hint}"
        if found := re.match(r"module '([\w.]+)' has no attribute '(\w+)'", text):
            a_module = path.count(".") > found[1].count(".") + 1
            what = "module" if a_module else "class"
            hint = did_you_mean(found[2], (modules_in if a_module else classes_in)(found[1]))
            return f"{written(line, fault.key, path)}: {found[1]} has no {what} {found[2]!r}{hint}"
        if isinstance(error, ModuleNotFoundError) and path.endswith(CONFIG_FILES):
            return f"{written(line, fault.key, path)}: no file {path}"
        if isinstance(error, ModuleNotFoundError) and error.name:
            hint = did_you_mean(error.name, [module.name for module in pkgutil.iter_modules([os.getcwd()])], 0)
            place = "in the current folder or among the installed packages"
            return f"{written(line, fault.key, path)}: no module {error.name!r} {place}{hint}"
        if found := re.match(r"Import path (\S+) does not correspond to a subclass of (\w+)", text):
            return f"{written(line, fault.key, found[1])}: {found[1]} is not a subclass of {found[2]}"
        if found := re.match(r"Expected an instantiatable class, but (\S+) is abstract", text):
            names = ", ".join(class_names(*_owner(fault, parser, line)))
            return f"{written(line, fault.key, found[1])}: {found[1]} is only a base of others: {names}"
        if found := re.match(r"Not a valid subclass of (\w+)\. Got value: (.*)", text):
            return _no_class(fault, line, found[1], found[2])
    return ""


def _owner(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> tuple[ArgumentParser, str]:
    """The parser of the option that a name was given to, and what it calls that option."""
    if fault.owner:
        return parser_of(fault.owner), fault.option
    return parser, fault.option or _before(str(fault.errors[0]).split()[-1], line).removesuffix(".help")


def _before(word: str, line: Sequence[str]) -> str:
    """The option that a word stands behind on the line, the last one of several."""
    words = [word for option in line for word in option.split("=", 1)]
    return ([""] + [option.removeprefix("--") for option, value in pairwise(words) if value == word])[-1]


def _no_class(fault: Fault, line: Sequence[str], base: str, got: str) -> str:
    """What stands where a class should."""
    given = [entry for file in config_files(line) for entry in entries(file) if entry.key == fault.key]
    for entry in given:
        beside = [name for name in entry.value if name not in STRUCTURE] if isinstance(entry.value, dict) else []
        if beside and "class_path" in entry.value:
            where = written(line, f"{fault.key}.{beside[0]}")
            return f"{where}: options of a class stand below init_args, not beside class_path"
    where = next((place for place in (written(line, fault.key, got), written(line, fault.key)) if place[0] != "-"), "")
    got = {"[": "a list", "{": "a mapping"}.get(got[0], got)
    return f"{where or f'--{fault.key}'}: expected {_a(base)}: a class's name, or class_path and init_args; got {got}"


def _option(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A name that is no option."""
    found = UNKNOWN.match(str(fault.errors[0]))
    if found is None:
        return ""
    words, group, option = found.groups()
    name = option or words.split("=")[0]
    if not fault.class_path:
        name = f"{group}.{name}" if group else name
        return _top_option(name, options(parser), line)
    name = name.lstrip("-")
    kind_of = fault.class_path.rpartition(".")[2]
    hint = did_you_mean(name, options(parser_of(fault.class_path)))
    others = [] if "did you mean" in hint else classes_with(*_owner(fault, parser, line), name)
    if 0 < len(others) <= _FEW:
        hint = f"; classes that have it: {', '.join(others)}"
    hint = hint or f"; --{fault.key}.help {kind_of} lists what it has"
    return f"{written(line, f'{fault.key}.{name}')}: {kind_of} has no option {name!r}{hint}"


def _top_option(name: str, names: Sequence[str], line: Sequence[str]) -> str:
    bare = name.lstrip("-")
    if words := [word for word in line if word == bare]:
        hint = f"; did you mean --config {words[0]}?" if bare.endswith(CONFIG_FILES) else ""
        return f"unexpected word {bare!r}{hint}"
    where = written(line, bare)
    if where == f"--{bare}":
        inner = [f"{section}.{option}" for section, kind in SECTIONS.items() for option in options(parser_of(kind))]
        begun = [option for option in names if option.startswith(f"{bare}_")]
        meant = begun or [option for option in inner if option.endswith(f".{bare}")]
        if len(meant) == 1:
            return f"unknown option --{bare}; did you mean --{meant[0]}?"
        return f"unknown option --{bare}{did_you_mean(f'--{bare}', [f'--{option}' for option in names], 0)}"
    return f"{where}: unknown option{did_you_mean(bare, names, 0)}"


def _missing(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """An option that must be given."""
    found = re.match(r"the following arguments are required: ([\w.]+)", str(fault.errors[0]))
    if found is None:
        return ""
    if not fault.class_path:
        name = found[1].partition(".")[2] or found[1]
        return f"--{name} is missing; give it on the line, or as {name}: in a configuration file"
    kind_of = fault.class_path.rpartition(".")[2]
    where = written(line, fault.key, fault.class_path, kind_of)
    return f"{where}: {kind_of} needs {found[1]!r} (--{fault.key}.{found[1]})"


def _value(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A value of the wrong type, or none of the possible ones."""
    found = [match for error in fault.errors if (match := EXPECTED.match(str(error)))]
    if not found:
        return ""
    kinds = dict.fromkeys(WORDS.get(match[1], match[1]) for match in found if match[1])
    words = dict.fromkeys(word for match in found if match[2] for word in match[2].replace("'", "").split(", "))
    expected = [*kinds, *([f"one of {', '.join(words)}"] if words else [])]
    got: Any = fault.value if fault.value is not None else found[0][3]
    got = getattr(got, "val", got)
    return f"{written(line, fault.key, got)}: expected {' or '.join(expected)}, got {kind(got)}"


def _file(fault: Fault, parser: ArgumentParser, line: Sequence[str]) -> str:
    """A file that is not there, or something else where a whole section should be."""
    text = str(fault.errors[0])
    if found := re.search(r"Unable to load config [\"'](.*?)[\"']$", text, re.MULTILINE):
        if not found[1].endswith(CONFIG_FILES):
            return f"{written(line, fault.key, found[1])}: expected a mapping, got {found[1]}"
        folders = [file.parent for file in config_files(line)]
        problems = [unreadable(folder / found[1]) for folder in folders if (folder / found[1]).is_file()]
        return next(filter(None, problems), f"{written(line, fault.key, found[1])}: no file {found[1]}")
    if found := re.search(r"(File does not exist|Path is not a file)[^']*'(.*)'", text):
        name, is_missing = _near(found[2]), found[1].startswith("File")
        if fault.key == "config" and is_missing and not name.endswith(CONFIG_FILES):
            return f"--config: neither a file nor a configuration of csl: {name}{did_you_mean(name, named_configs())}"
        return f"--{fault.key}: {'no file' if is_missing else 'not a file:'} {name}"
    return ""


def _near(path: str) -> str:
    """A path, from the current folder on if it is inside."""
    return os.path.relpath(path) if Path(path).is_relative_to(Path.cwd()) else path


def _a(name: str) -> str:
    return f"an {name}" if name[0] in "AEIOU" else f"a {name}"
