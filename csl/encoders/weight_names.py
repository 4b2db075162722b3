"""Whose weights a file holds: the names of a network's tensors, found among those of any project."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

# One name for what projects call differently; each place of a pattern begins and ends at a dot.
SYNONYMS = [
    (re.compile(r"(?<![^.])(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\."), ""),
    # torchvision's transformers, as timm, DINO, MAE and MoCo v3 call their parts
    (re.compile(r"(?<![^.])conv_proj\."), "patch_embed.proj."),
    (re.compile(r"(?<![^.])class_token$"), "cls_token"),
    (re.compile(r"(?<![^.])encoder\.pos_embedding$"), "pos_embed"),
    (re.compile(r"(?<![^.])encoder\.layers\.encoder_layer_(\d+)\."), r"blocks.\1."),
    (re.compile(r"(?<![^.])encoder\.ln\."), "norm."),
    # DINOv2's training cuts its blocks into chunks
    (re.compile(r"(?<![^.])blocks\.\d+\.(\d+)\."), r"blocks.\1."),
    (re.compile(r"(?<![^.])(blocks\.\d+)\.ln_([12])\."), r"\1.norm\2."),
    (re.compile(r"(?<![^.])(blocks\.\d+)\.self_attention\.in_proj_"), r"\1.attn.qkv."),
    (re.compile(r"(?<![^.])(blocks\.\d+)\.self_attention\.out_proj\."), r"\1.attn.proj."),
    (re.compile(r"(?<![^.])(blocks\.\d+)\.mlp\.(0|linear_1)\."), r"\1.mlp.fc1."),
    (re.compile(r"(?<![^.])(blocks\.\d+)\.mlp\.(3|linear_2)\."), r"\1.mlp.fc2."),
    # lightly's and kuangliu's ResNets
    (re.compile(r"(?<![^.])shortcut\."), "downsample."),
]
# Of networks that fit alike, a teacher or a mean of weights comes first, and a mere target of a loss last: what each
# project itself evaluates.
FIRST, LAST = r"teacher|\bema|_ema\b", r"student|momentum|encoder_k|target|key_encoder"


class Found(NamedTuple):
    """A network in a file.

    Attributes:
        prefix: How the names of its tensors begin in the file; it ends with a dot, or is empty.
        tensors: Every tensor behind the prefix, by the rest of its name, as `common_name` gives it.
        others: How other networks in the file begin that fit as well.
        numbers: The numbers of its parts, in order, where the file numbers them and the network does not.
        summed: Names of tensors that were summed over their channels.
        is_translated: Whether the encoder's library gave the tensors other names or sizes.
    """

    prefix: str
    tensors: dict[str, Tensor]
    others: tuple[str, ...]
    numbers: Sequence[int] = ()
    summed: tuple[str, ...] = ()
    is_translated: bool = False


def common_name(name: str) -> str:
    """A tensor's name as most projects have it.

    Example:
        >>> common_name("module.encoder.layers.encoder_layer_3.self_attention.in_proj_weight")
        'module.blocks.3.attn.qkv.weight'
        >>> common_name("_orig_mod.layer1.0.shortcut.0.weight")
        'layer1.0.downsample.0.weight'
    """
    for pattern, replacement in SYNONYMS:
        name = pattern.sub(replacement, name)
    return name


def needed(names: Iterable[str]) -> list[str]:
    """Names without those of counters, which old files lack and which nothing needs.

    Example:
        >>> needed(["bn1.weight", "bn1.num_batches_tracked"])
        ['bn1.weight']
    """
    return [name for name in names if not name.endswith("num_batches_tracked")]


def part_of(name: str) -> str:
    """The part of a network that a tensor belongs to.

    Example:
        >>> part_of("layer1.0.conv1.weight")
        'layer1'
    """
    return name.partition(".")[0]


def find_network(own: Mapping[str, Tensor], file: Mapping[str, Tensor]) -> Found:
    """The tensors of a file that are most like a network's, by names and shapes, whatever their names begin with.

    Where the file numbers the parts of a network (`backbone.0.weight`, as `nn.Sequential(*model.children())` does),
    they are taken in their order.

    Args:
        own: The network's tensors by their common names.
        file: The file's, by their own names.

    Example:
        >>> import torch
        >>> file = {"module.encoder_q.conv1.weight": torch.ones(2), "module.encoder_k.conv1.weight": torch.zeros(2)}
        >>> found = find_network({"conv1.weight": torch.empty(2)}, file)
        >>> found.prefix, found.others
        ('module.encoder_q.', ('module.encoder_k.',))
    """
    common = {common_name(name): name for name in reversed([*file])}
    numbered = _numbers(common)
    parts = list(dict.fromkeys(map(part_of, own)))
    scores: Counter[tuple[str, bool]] = Counter()
    for name, original in common.items():
        for prefix, rest in _splits(name):
            for in_order in (False, True):
                meant = _in_order(prefix, rest, numbered, parts) if in_order else rest
                if meant in own:
                    # A name counts a little more than a shape: of two networks with all names, shapes decide.
                    scores[prefix, in_order] += 2 + (own[meant].shape == file[original].shape)
    best, others = _best(scores)
    prefix, in_order = best
    tensors = {}
    for name, original in reversed(common.items()):
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            tensors[_in_order(prefix, rest, numbered, parts) if in_order else rest] = file[original]
    return Found(prefix, tensors, others, numbers=numbered[prefix] if in_order else ())


def _best(scores: Mapping[tuple[str, bool], int]) -> tuple[tuple[str, bool], tuple[str, ...]]:
    """The prefix with the highest score, and others that have it, too."""
    most = max(scores.values(), default=0)
    equal = [key for key, score in scores.items() if score == most] or [("", False)]
    ranked = sorted(equal, key=lambda key: (_rank(key[0]), len(key[0]), key))
    return ranked[0], tuple(dict.fromkeys(prefix for prefix, _ in ranked if prefix != ranked[0][0]))


def _rank(prefix: str) -> int:
    return 0 if re.search(FIRST, prefix) else 2 if re.search(LAST, prefix) else 1


def _splits(name: str) -> Iterable[tuple[str, str]]:
    """A name as what it begins with and the rest, at every dot."""
    parts = name.split(".")
    for i in range(len(parts)):
        yield "".join(f"{part}." for part in parts[:i]), ".".join(parts[i:])


def _numbers(names: Iterable[str]) -> dict[str, list[int]]:
    """The numbers that names have behind each prefix, in order."""
    found: dict[str, set[int]] = {}
    for name in names:
        for prefix, rest in _splits(name):
            if (first := rest.partition(".")[0]).isdecimal():
                found.setdefault(prefix, set()).add(int(first))
    return {prefix: sorted(numbers) for prefix, numbers in found.items()}


def _in_order(prefix: str, rest: str, numbered: Mapping[str, list[int]], parts: list[str]) -> str:
    """A name with the part that stands in the place of its number; as it is where there is none."""
    first, dot, tail = rest.partition(".")
    numbers = numbered.get(prefix, [])
    if not first.isdecimal() or (place := numbers.index(int(first))) >= len(parts):
        return rest
    return f"{parts[place]}{dot}{tail}"
