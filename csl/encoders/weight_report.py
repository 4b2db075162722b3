"""What is said of weights that were loaded."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from torch import Tensor

from csl.encoders.weight_names import Found, common_name, needed, part_of

# What projects call the heads of theirs.
HEADS = re.compile(r"\w*(head|classifier|predict|project|prototype|decoder)\w*|fc|linear|last_layer|mask_token")


def report(
    kind: str, own: Iterable[str], found: Found, heads: Iterable[str], file: Mapping[str, Tensor], path: str | Path
) -> list[str]:
    """What was loaded, left out and missing, line by line.

    Args:
        kind: What the encoder is called.
        own: The names of the encoder's tensors.
        found: The network that was found in the file.
        heads: The names of those of its tensors that were taken out of the encoder.
        file: All that the file holds.
        path: The file.

    Example:
        >>> import torch
        >>> file = {"net.conv.weight": torch.ones(1), "net.fc.weight": torch.ones(1), "queue": torch.ones(1)}
        >>> found = Found("net.", {"conv.weight": torch.ones(1), "fc.weight": torch.ones(1)}, ())
        >>> for line in report("ResNet", ["conv.weight"], found, [], file, "a.pth"):
        ...     print(line)
        weights: 1 of 1 tensors of ResNet from a.pth, whose names begin with net.
        heads left out: fc
        left out beside it: queue
    """
    own = needed(own)
    missing = [name for name in own if name not in found.tensors]
    outside = [_beside(common_name(name), found.prefix) for name in file]
    inside = [name for name in needed(found.tensors) if name not in own]
    out = set(heads) | {name for name in inside if HEADS.fullmatch(part_of(name))}
    begin = f", whose names begin with {found.prefix}" if found.prefix else ""
    groups = {
        "heads left out": [part_of(name) for name in inside if name in out],
        "left out": [part_of(name) for name in inside if name not in out],
        "left out beside it": [name for name in outside if name],
        "missing, left as they were": [part_of(name) for name in missing],
    }
    return [
        f"weights: {len(own) - len(missing)} of {len(own)} tensors of {kind} from {path}{begin}",
        *([f"others there that fit as well, chosen by {path}#WORD: {', '.join(found.others)}"] if found.others else []),
        *(f"{title}: {_counted(names)}" for title, names in groups.items() if names),
    ]


def _counted(names: Iterable[str]) -> str:
    """Names, with how many there are of each."""
    return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in Counter(names).items())


def _beside(name: str, prefix: str) -> str:
    """How a name that does not begin with a prefix begins, up to the first part that differs; else nothing."""
    if name.startswith(prefix):
        return ""
    parts = name.split(".")
    same = next(i for i in range(len(parts)) if not prefix.startswith(".".join(parts[: i + 1]) + "."))
    return ".".join(parts[: same + 1])
