"""Tensors in files that others wrote, read as data: nothing that a file names is imported or called."""

import re
import sys
import zipfile
from _compat_pickle import IMPORT_MAPPING
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# What a pickle may name beside tensors: an empty object stands in for it, so only tensors come out.
HARMLESS = re.compile(
    r"(int|float|bool|str|bytes|list|dict|tuple|frozenset|object|slice|range)"
    r"|argparse\.Namespace|types\.SimpleNamespace|functools\.partial|typing\.Any|uuid\.UUID|datetime\.\w+"
    r"|collections\.(defaultdict|deque)|pathlib(\._local)?\.\w*Path"
    r"|numpy\.(ndarray|dtype|dtypes\.\w+DType|u?int\d+|float\d+|bool_?|str_)"
    r"|numpy\._?core\.multiarray\.(scalar|_reconstruct)|numpy\.random\.(_pickle|bit_generator)\.__\w+"
    r"|torch\.nn\.functional\.\w+|torch\._C\._nn\.\w+"
)
# A class of another package, by its capital letter.
CLASS = re.compile(r"(?P<package>\w+)\.([\w.]+\.)?[A-Z]\w*")
MAPPING = re.compile(r".*([dD]ict|CfgNode|Config|Munch|Box)")
REFUSED = re.compile(r"GLOBAL (\S+) (?:was not an allowed|whose module)")
REASON = re.compile(r"WeightsUnpickler error:\s*(.*?)(?:\n|$)")
MOST_NAMES = 500
STANDARD = sys.stdlib_module_names | IMPORT_MAPPING.keys()  # the names of Python 2, too


class StandIn:
    """An empty object in the place of one that a pickle wanted; it keeps the parts of a whole module."""

    def __init__(self, *_args: Any) -> None:
        self.parts: Mapping[Any, Any] = {}

    def __new__(cls, *_args: Any) -> "StandIn":
        """One without parts; a pickle calls only this."""
        made = super().__new__(cls)
        made.parts = {}
        return made

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict) and "_parameters" in state:
            self.parts = {
                name: part
                for group in ("_parameters", "_buffers", "_modules")
                if isinstance(state.get(group), dict)
                for name, part in state[group].items()
            }


class Container:
    """A mapping in the place of one of another package, which may hold tensors."""

    def __new__(cls, *_args: Any) -> Any:
        """A plain one."""
        return OrderedDict()


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The tensors in a file of `torch.save` or of safetensors, by the way to them, such as `state_dict.fc.weight`.

    Files of any version of torch are read, whole modules among them, with or without objects of other packages: empty
    ones stand in for those. Nothing is executed.

    Args:
        path: The file; `.safetensors` by its name, anything else as `torch.save` wrote it.

    Raises:
        ValueError: If there is no such file, it is damaged, or it names something to be called, such as `os.system`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save({"state_dict": {"fc.bias": torch.ones(2)}, "epoch": 3}, Path(folder) / "net.pth")
        ...     read_tensors(Path(folder) / "net.pth")
        {'state_dict.fc.bias': tensor([1., 1.])}
    """
    path = Path(path)
    if not path.is_file():
        what = "a folder; name the file in it" if path.is_dir() else "no file of this machine"
        raise ValueError(f"weights: expected a file of weights, got {path}, {what}")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    return {name: tensor for name, tensor in _tensors(_unpickled(path), "", set()) if _is_plain(tensor)}


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise _damaged(path, error) from error


def _unpickled(path: Path) -> Any:
    """What a file holds, with stand-ins for what it names, one after the other as torch asks for them."""
    allowed: dict[str, Any] = {}
    while len(allowed) < MOST_NAMES:
        try:
            # The type that torch states is too narrow: a pair of a class and the name that it stands for will do.
            with torch.serialization.safe_globals([(kind, name) for name, kind in allowed.items() if kind]):
                return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        except Exception as error:
            found = REFUSED.search(str(error))
            if found is None or found[1] in allowed:
                raise _damaged(path, error) from error
            allowed |= _stand_in(found[1], path)
    raise ValueError(f"weights: expected a file of weights, got {path}, which names more than {MOST_NAMES} objects")


def _stand_in(name: str, path: Path) -> dict[str, Any]:
    """A stand-in for a harmless name.

    Raises:
        ValueError: If it is none.
    """
    kind = CLASS.fullmatch(name)
    is_foreign = kind is not None and kind["package"] not in STANDARD
    if not (is_foreign or HARMLESS.fullmatch(name)):
        raise ValueError(
            f"weights: expected tensors and plain values, got {path}, which wants to call {name}; nothing of it was "
            "executed. If you trust whoever wrote it, save its state dict alone: torch.save(model.state_dict(), FILE)"
        )
    # torch says the names of built-in classes without their module.
    full = name if "." in name else f"builtins.{name}"
    return {name: None, full: Container if MAPPING.fullmatch(name) else StandIn}


def _tensors(content: Any, way: str, seen: set[int]) -> Iterator[tuple[str, Tensor]]:
    """The tensors in mappings, lists and modules; each of those once, so that a circle ends."""
    if isinstance(content, Tensor):
        yield way, content.detach()
        return
    if isinstance(content, StandIn):
        content = content.parts
    if not isinstance(content, Mapping | list | tuple) or id(content) in seen:
        return
    seen.add(id(content))
    parts: Any = content.items() if isinstance(content, Mapping) else enumerate(content)
    for name, part in parts:
        yield from _tensors(part, f"{way}.{name}" if way else str(name), seen)


def _is_plain(tensor: Tensor) -> bool:
    is_whole = tensor.layout == torch.strided and tensor.device.type == "cpu"
    return is_whole and not tensor.is_quantized and not tensor.is_complex()


def _damaged(path: Path, error: Exception) -> ValueError:
    found = REASON.search(str(error))
    first = found[1] if found else str(error).partition("\n")[0]
    return ValueError(f"weights: expected a file of weights, got {path}, which is damaged or none ({first})")
