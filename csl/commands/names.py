"""Classes by their short names, anywhere on a line or in a file: csl's own go before others of the same name."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from jsonargparse import _typehints

from csl.randomness import derive_seed

# A longer list of what may stand in an option's place is no help: torch has 800 modules.
MANY = 100
_by_loaded_classes = _typehints.resolve_class_path_by_name
_all_known = _typehints.ActionTypeHint.extra_help
# Modules that were made of files, by name.
_files: dict[str, Path] = {}


def class_path(cls: type | tuple[type], name: str) -> str:
    """The path of the class that a name stands for: itself with a dot in it, else csl's, else any that is loaded.

    Args:
        cls: The class, or tuple of classes, that it must derive from.
        name: A path such as `torchmetrics.MeanMetric`, a file and a class in it, such as `methods/mine.py:MyMethod`,
            or a short name.

    Raises:
        ValueError: If csl has no such class and several others are called so.

    Example:
        >>> from torchmetrics import Metric
        >>> import csl.metrics
        >>> class_path(Metric, "CalinskiHarabaszScore")
        'csl.metrics.CalinskiHarabaszScore'
        >>> class_path(Metric, "torchmetrics.clustering.CalinskiHarabaszScore")
        'torchmetrics.clustering.CalinskiHarabaszScore'
    """
    file, _, kind = name.partition(".py:")
    if kind:
        return f"{_loaded(Path(f'{file}.py'))}.{kind}"
    if "." not in name:
        for package in _packages():
            # `dir` knows the names of a package that loads them on demand.
            if name in dir(package) and _derives(getattr(package, name), cls):
                return f"{package.__name__}.{name}"
    return str(_by_loaded_classes(cls, name))


def _loaded(file: Path) -> str:
    """Import a file as a module and return the module's name: the file's own, if that is free."""
    if not (file := file.resolve()).is_file():
        raise ValueError(f"no file {file}")
    known = {path: name for name, path in _files.items()}
    if file not in known:
        name = file.stem
        if name in sys.modules or name in _files:
            name = f"{name}_{derive_seed(str(file)):x}"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None  # as of every file that ends in .py
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        _files[name] = file
        known[file] = name
    return known[file]


def with_files(text: str) -> str:
    """A configuration in which classes of files are called by their files, so that it can be read anywhere."""
    for name, file in _files.items():
        text = re.sub(rf"\bclass_path: {re.escape(name)}\.", f"class_path: {file}:", text)
    return text


def _packages() -> list[ModuleType]:
    """The parts of csl that this command has loaded."""
    return [
        module
        for path, module in sorted(sys.modules.items())
        if path.startswith("csl.") and path.count(".") == 1 and hasattr(module, "__path__")
    ]


def _derives(found: Any, base: Any) -> bool:
    try:
        return isinstance(found, type) and issubclass(found, base)
    except TypeError:  # a protocol, or no class at all
        return False


def _known(action: _typehints.ActionTypeHint) -> str:
    """What an option's help says of the classes that may stand there, unless they are too many to be read."""
    said = str(_all_known(action))  # type: ignore[no-untyped-call]
    return said if said.count(",") <= MANY else ""


def use_short_names() -> None:
    """Let the parser look up names here. It has no setting for that: alone, it refuses a name that two classes have."""
    _typehints.resolve_class_path_by_name = class_path
    _typehints.ActionTypeHint.extra_help = _known  # type: ignore[method-assign]
